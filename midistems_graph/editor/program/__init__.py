"""What the commands of the editor do beyond the canvas: documents and files, the song and its sound."""
