"""FalconQL: a declarative language for mining structured facts out of many texts."""
