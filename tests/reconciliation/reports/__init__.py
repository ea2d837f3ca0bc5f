"""Tests of the reports: the workbook, the document and the checksums, each opened and read back."""
