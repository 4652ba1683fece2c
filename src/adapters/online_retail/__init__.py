"""The data set Online Retail (UCI, CC BY 4.0, see ATTRIBUTION.md): half a million real lines of a real shop."""
