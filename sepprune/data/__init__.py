"""Sound on disk: data folders and packs of recordings, folders of mixtures, and prepared sets."""
