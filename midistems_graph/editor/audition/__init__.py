"""Hearing any edge: what is listened to, from where in the song, through which filters; no window needed."""
