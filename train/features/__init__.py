"""Features: crops through the frozen backbone, once, kept on disk."""
