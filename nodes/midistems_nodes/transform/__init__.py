"""Between waveform and spectrogram, and between sample rates."""
