"""What calls take and give."""

from .generated.models import *
from .generated.models import __all__  # noqa: F401
