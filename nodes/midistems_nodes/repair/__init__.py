"""Repair: clipped peaks, clicks and hum, before a separation or after it."""
