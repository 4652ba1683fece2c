"""The use cases, and under ports/ what they need from outside. Imports the domain only."""
