"""The desk: what people do about breaks and runs, from the case of a break to the signatures under a run.

Commands take an open transaction, the row they act on, who acts, the words given, and now. Each writes an event of the
case and a row of the audit trail in that transaction; a refused one raises `journal.DeskError` and writes nothing.
"""
