"""The foreign forms whose valid files are mutated (`python -m tests.fuzz NAME SECONDS`)."""

from tests.fuzz import foreign_codecarbon, foreign_nvidia_smi, foreign_oscar, foreign_ptd
from tests.fuzz.foreign import Form

FORMS: dict[str, Form] = {
    form.name: form for form in (foreign_codecarbon.FORM, foreign_nvidia_smi.FORM, foreign_oscar.FORM, foreign_ptd.FORM)
}
