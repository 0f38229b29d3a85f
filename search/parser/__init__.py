"""Reads a query into constraints; each module holds the rules of one noun."""

from search.parser.query import Chip, Constraints, Exclusions, ParsedQuery
from search.parser.reader import parse

__all__ = ["Chip", "Constraints", "Exclusions", "ParsedQuery", "parse"]
