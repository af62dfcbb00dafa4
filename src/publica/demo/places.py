"""The fictional area of Arnmouth: its municipalities and hospitals, and what people are treated for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Municipality:
    """The first character of `code` is the region; `share` is its part of the inhabitants, in per mille."""

    code: str
    name: str
    region: str
    area_km2: str
    share: int


MUNICIPALITIES = (
    Municipality("1101", "Arnmouth", "Coast", "148.30", 412),
    Municipality("1102", "Kestrel Bay", "Coast", "61.75", 74),
    Municipality("1103", "Saltmere", "Coast", "93.20", 52),
    Municipality("1104", "Windle Point", "Coast", "38.90", 21),
    Municipality("2101", "Lindmere", "Vale", "112.45", 118),
    Municipality("2102", "Oakenford", "Vale", "87.10", 83),
    Municipality("2103", "Elmsworth", "Vale", "104.60", 61),
    Municipality("2104", "Tarnbridge", "Vale", "79.85", 47),
    Municipality("3101", "Harrowdale", "Uplands", "231.00", 55),
    Municipality("3102", "Greyfell", "Uplands", "310.40", 34),
    Municipality("3103", "Stonewick", "Uplands", "187.25", 27),
    Municipality("3104", "Upper Wexholt", "Uplands", "264.15", 16),
)

HOSPITALS = ("Arnmouth General", "Lindmere Hospital", "Harrowdale Clinic")
HOSPITAL_WEIGHTS = (62, 27, 11)

DIAGNOSES_YOUNG = ("J20", "J45", "A09", "S52", "K35", "J35", "S06", "R56", "E10", "J18")
"""ICD-10 categories for under 18; the first ones are the commonest."""
DIAGNOSES_MIDDLE = ("K35", "S82", "F32", "K80", "M51", "J18", "E11", "N20", "I10", "C50")
DIAGNOSES_OLD = ("I50", "I21", "J18", "S72", "I63", "E11", "J44", "C34", "M17", "N39")
CHILDBIRTH = "O80"
