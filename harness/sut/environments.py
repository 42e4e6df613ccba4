"""The Python environments of a SUT that scenarios name: the main one, and one beside it for each framework of its own.

Knows what each is made of and where it lies below wattlab's folder. Knows no link and no scenario.

The agent runs in the main environment, always. What needs a framework that would change the others' packages runs in
an environment that has nothing else: which of two frameworks needs less energy must not hang on what the other brought.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Environment:
    """One of them; `brings`: what it has without a scenario naming it, distributions of its lock."""

    name: str
    lock: str
    brings: tuple[str, ...]

    @property
    def is_main(self) -> bool:
        """Whether it is the agent's own."""
        return self.lock == MAIN_LOCK

    @property
    def folder(self) -> str:
        """Its folder's name, in wattlab's folder on the SUT."""
        return "venv" if self.is_main else f"venv-{self.name}"


MAIN_LOCK = "requirements.lock"
"""Of workloads/: what the main environment is made of, where there is no NVIDIA GPU."""
ENVIRONMENTS: Mapping[str, Environment] = {
    one.name: one
    for one in (
        Environment("tensorflow", MAIN_LOCK, ("tensorflow",)),
        Environment("jax", "requirements-jax.lock", ("jax", "keras")),
        Environment("torch", "requirements-torch.lock", ("torch", "numpy")),
        Environment("sklearn", "requirements-sklearn.lock", ("scikit-learn",)),
    )
}
"""By the name that a scenario gives as its `environment`."""
APART = tuple(name for name, one in ENVIRONMENTS.items() if not one.is_main)
"""Those that are environments of their own."""
