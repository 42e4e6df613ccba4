"""The functions of scipy are scipy's, and its package can be imported after them."""

import subprocess
import sys

import scipy.special

from reports.results import distributions

NAMES = ("chdtri", "nctdtrit", "stdtr", "stdtridf", "stdtrit")


def test_they_are_the_functions_of_scipy() -> None:
    assert all(getattr(distributions, name) is getattr(scipy.special, name) for name in NAMES)


def test_the_whole_package_can_be_imported_after_them() -> None:
    program = """
import sys
from reports.results.distributions import stdtrit
assert "numpy.testing" not in sys.modules
import scipy.special, scipy.optimize
assert scipy.special.stdtrit is stdtrit and scipy.special.gamma(5.0) == 24.0
"""
    subprocess.run([sys.executable, "-c", program], check=True)
