"""What NVIDIA's trtexec reports: read, compared, and the command lines that make reports comparable."""
