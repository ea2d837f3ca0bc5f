"""Why files are refused as they arrive, and what became of them, as shapes of sentences."""

from __future__ import annotations

from dashboards.locale import mark

SHAPES = (
    mark("{words}; {words_1}"),
    mark("{path}: {words}"),
    mark("ask the sender for it"),
    mark("ask for it again"),
    mark("ask for the file again"),
    mark("ask for a correct one"),
    mark("ask for a correct manifest"),
    mark("deliver it again"),
    mark("the file is not used"),
    mark("run that day again"),
    mark("the {party} file is missing"),
    mark("its SHA-256 is {found} and the manifest states {stated}"),
    mark("the file was damaged or replaced, ask for it again"),
    mark("the file was damaged or replaced"),
    mark("it has {rows} rows and the manifest states {stated}"),
    mark("its amounts add up to {amount} minor units and the manifest states {stated}"),
    mark("it has {rows} rows and the manifest in it states {stated}"),
    mark("its amounts add up to {amount} minor units and the manifest in it states {stated}"),
    mark("it cannot be read ({error})"),
    mark("the manifest is missing"),
    mark("the manifest cannot be read as JSON ({error})"),
    mark("the manifest is not a JSON object"),
    mark("it has party, business_day, rows, amount_minor, sha256"),
    mark("{name} is missing"),
    mark("{name} is not a text"),
    mark("{name} is not an integer"),
    mark("the manifest is of party {party_1} and the file was given as {party}"),
    mark("the manifest is of business day {day} and the run is of {wanted}"),
    mark("the previous result cannot be carried forward ({error})"),
    mark("breaks.parquet differs from what its certificate states"),
    mark("the previous result is of {day}, which is not before {wanted}"),
    mark("another run is writing its result here"),
    mark("wait for its end"),
    mark("the result does not account for every row and every amount of the files"),
    mark("keep them and report it"),
    mark("the manifest says {stated} rows, the file has {found}"),
    mark("ask for it again."),
    mark("{words}. {words_1}"),
    mark("The {party} file of {day} came more than once, with the same content: {paths}"),
    mark("The {party} file of {day} came more than once, with different content: {paths}"),
    mark("Ask the sender which one holds."),
    mark(
        "The {party} file of {day} changed after it had come: {path} had {before} bytes ({hash}) and now "
        "{after} ({hash_1})"
    ),
    mark("Ask the sender why, and run the day again."),
    mark("Ask the sender why, and run the day again"),
    mark("Ask the sender which one holds"),
    mark("The {party} file of {day} came at {at}, {late} after it was due."),
    mark("The {party} file of {day} came at {at}, {late} after it was due"),
    mark(
        "The {party} file of {day} changed after it had come: {path} had {before} bytes ({hash}) and now "
        "{after} ({hash_1})."
    ),
)
