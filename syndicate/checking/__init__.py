"""Checking finished feeds of any program against the specifications. Reads documents, writes nothing."""
