"""The program's version. A change of it renders every document anew; none of them holds it."""

VERSION = "0.1.0"
