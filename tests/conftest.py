"""For all tests: hypothesis sets no deadlines, since times say nothing on a machine that others use."""

from hypothesis import settings

settings.register_profile("no deadlines", deadline=None)
settings.load_profile("no deadlines")
