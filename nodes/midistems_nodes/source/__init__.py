"""Test signals: tones, sweeps, noise and impulses that fill the song."""
