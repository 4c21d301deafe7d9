"""The types of results and arguments."""

from .generated.models import *
from .generated.models import __all__  # noqa: F401
