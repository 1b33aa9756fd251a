"""Chains of trained networks: sound to latents, latents to latents, latents to sound."""
