"""Student's t, its noncentral kin, F and chi squared, as scipy computes them.

Knows where scipy keeps the compiled functions. Knows no statistic.

`import scipy.special` takes .11 s more than these functions: it first imports what translates them for other array
libraries, and numpy's test suite and Fortran compiler with that. So they are taken from the module that holds them, and
from scipy.special where a scipy keeps them elsewhere; they are the same objects.
"""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGE, COMPILED = "scipy.special", "scipy.special._ufuncs"


def _functions() -> Any:  # noqa: ANN401  a module of compiled functions
    if PACKAGE in sys.modules:
        return sys.modules[PACKAGE]
    import scipy  # 10 ms, and it loads no part of itself

    front = ModuleType(PACKAGE)
    front.__path__ = [str(Path(scipy.__file__).parent / "special")]
    sys.modules[PACKAGE] = front
    try:
        return importlib.import_module(COMPILED)
    except ImportError:
        del sys.modules[PACKAGE]
        return importlib.import_module(PACKAGE)
    finally:
        if sys.modules.get(PACKAGE) is front:
            del sys.modules[PACKAGE]  # whoever needs all of it imports it as ever


_special = _functions()
chdtri, fdtrc, nctdtrit, stdtr, stdtridf, stdtrit = (
    getattr(_special, name) for name in ("chdtri", "fdtrc", "nctdtrit", "stdtr", "stdtridf", "stdtrit")
)
