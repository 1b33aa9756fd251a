"""Figures about signals and stem sets, in bounded memory."""
