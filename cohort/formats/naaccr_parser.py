"""NAACCR XML parsed as it streams by: tumours one after another, each with its patient's items.

Only expat's current element, one patient and the tumours not yet taken away are in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NoReturn
from xml.parsers import expat

from cohort.errors import DataError, Problem
from cohort.formats.naaccr_items import item_ids
from cohort.formats.naaccr_plain import (
    FIRST,
    LAST,
    Items,
    Patient,
    attributes_of,
    by_patients,
    plain_patients,
)

NAMESPACE = "http://naaccr.org/naaccrxml"
# Text of each kept item in its slot; empty where there is none.
Values = list[str]

_PARENTS = {"NaaccrData": "", "Patient": "NaaccrData", "Tumor": "Patient"}
_ORDER = "NaaccrData: Item, Patient; Patient: Item, Tumor; Tumor: Item"
_OUTSIDE, _UNREAD = -2, -1  # no item is open; one is that is not kept
_DIFFERENT = "\1"  # stands for values that contradict each other; no XML can hold it
_LONGEST = 1_000_000  # characters of an item that has not ended within reach
_REACH = 1 << 24  # bytes in which a patient's end is looked for
_CUT = (
    expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
    expat.errors.codes[expat.errors.XML_ERROR_PARTIAL_CHAR],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
)
_INVALID = expat.errors.codes[expat.errors.XML_ERROR_INVALID_TOKEN]


class NaaccrParser:
    """Reads one file; what it saw stands in its attributes afterwards.

    Attributes
    ----------
    headings
        Every kind of item, by XML name, in the order of first appearance.
    slots
        Place of a kept item's values in each tumour, by its heading.
    attributes
        Of the root element.
    tumours
        Not yet taken away.
    n_bytes
        Of the file, so far.
    n_patients, n_without_tumour
        Patients, and those without any tumour.
    n_conflicts
        Values stated twice and differently for one tumour.
    extensions
        Elements of other name spaces, by name space.
    """

    def __init__(self, name: str, keeps: Callable[[str], bool]) -> None:
        self.headings: list[str] = []
        self.slots: dict[str, int] = {}
        self.attributes: dict[str, str] = {}
        self.tumours: list[Values] = []
        self.n_patients = self.n_without_tumour = self.n_conflicts = 0
        self.extensions: dict[str, int] = {}
        self._name = name
        self._keeps = keeps
        self._open: list[str] = []
        self._prefix = ""
        self._root: Values = []
        self._patient: Values = []
        self._late: Values = []
        self._target = self._root
        self._texts: list[str] = []
        self._written: dict[str, int] = {}
        # Plain patients follow where a patient just ended, in UTF-8 and without a prefix.
        self._utf8, self._bare, self._default, self._ended = True, False, "", -1
        self.n_bytes = self._depth = self._n_tumours = 0
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.buffer_size = 1 << 16
        self._parser.ordered_attributes = True
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.XmlDeclHandler = self._declare
        self._parser.StartNamespaceDeclHandler = self._declare_space
        self._parser.StartElementHandler = self._begin

    def feed(self, pieces: Iterable[bytes], take: Callable[[], None]) -> None:
        """Parse the whole file; `take` is called after each piece, to take the tumours away.

        Raises
        ------
        DataError
            With line, column and the patient's ordinal, where the file is no NAACCR XML, is
            malformed, or ends too early.
        """
        piece = b""
        try:
            for piece in by_patients(pieces, _REACH):
                patients = self._plain(piece)
                self.n_bytes += len(piece)
                if patients is None:
                    self._parser.Parse(piece, False)
                else:
                    self._check(piece)
                    self._read(patients)
                if sum(map(len, self._texts)) > _LONGEST:
                    self._fail(f"an item of more than {_LONGEST:,} characters")
                take()
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise self._malformed(error, piece) from None
        except (LookupError, ValueError) as error:  # an encoding that Python lacks or expat cannot
            found, advice = f"its encoding cannot be read: {error}", "Save the file as UTF-8."
            raise DataError(Problem(f"{self._name} line 1", found, advice=advice)) from None
        take()

    def _plain(self, piece: bytes) -> list[Patient] | None:
        """Patients of a piece that begins and ends between patients and is plain; else None."""
        if self._ended != self.n_bytes:
            return None
        patients = plain_patients(piece)
        every = [part for own, others in patients or () for part in (own, *others)]
        for kind in {kind: None for items in every for kind, _ in items}:
            if kind not in self._written:
                attributes = attributes_of(kind)
                if attributes is None or not {"naaccrId", "naaccrNum"} & set(attributes[::2]):
                    return None
                self._written[kind] = self._slot(attributes)
        return patients

    def _check(self, piece: bytes) -> None:
        """Let expat read a plain piece, of which nothing but whether it is XML is asked."""
        begun = self.n_bytes - len(piece)
        self._parser.StartElementHandler = self._parser.EndElementHandler = None
        try:
            self._parser.Parse(piece, False)
        except expat.ExpatError:
            self.n_patients += piece.count(FIRST, 0, self._parser.ErrorByteIndex - begun)
            raise
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._handlers
        self._ended = self.n_bytes

    def _read(self, patients: list[Patient]) -> None:
        """The tumours of plain patients."""
        for own, others in patients:
            self.n_patients += 1
            self.n_without_tumour += not others
            patient = self._root.copy()
            self._fill(patient, own)
            for items in others:
                tumour = patient.copy()
                self._fill(tumour, items)
                self._keep(tumour)

    def _fill(self, values: Values, items: Items) -> None:
        """Texts of kept items into their slots."""
        slots = self._written
        for kind, text in items:
            slot = slots[kind]
            if slot >= 0 and text:
                values[slot] = self._again(values[slot], text) if values[slot] else text

    def _keep(self, tumour: Values) -> None:
        """A whole tumour; what contradicts itself is missing."""
        if self.n_conflicts:
            tumour[:] = ["" if text == _DIFFERENT else text for text in tumour]
        self.tumours.append(tumour)

    def _declare(self, _version: str, encoding: str | None, _standalone: int) -> None:
        """The encoding that the file declares."""
        self._utf8 = encoding is None or encoding.lower() in ("utf-8", "utf8")

    def _declare_space(self, prefix: str | None, space: str | None) -> None:
        """A name space that the root element declares."""
        if prefix is None:
            self._default = space or ""

    def _begin(self, name: str, attributes: list[str]) -> None:
        """The root element decides which name space the file's own elements are in."""
        space, _, local = name.rpartition(" ")
        if local != "NaaccrData" or space not in ("", NAMESPACE):
            told = f"<{local}> of name space '{space}'" if space else f"<{local}>"
            self._fail(f"the file begins with {told}, so it is no NAACCR XML", "<NaaccrData>")
        self._prefix = f"{space} " if space else ""
        pairs = zip(attributes[::2], attributes[1::2], strict=True)
        self.attributes = {key: value for key, value in pairs if " " not in key}
        self._open = ["NaaccrData"]
        self._parser.StartNamespaceDeclHandler = None
        self._bare = self._utf8 and self._default == space
        self._listen()

    def _listen(self) -> None:
        """Handlers of the file's own elements; items, of which there are most, come first."""
        parser, item, known = self._parser, f"{self._prefix}Item", dict[object, int]()
        texts, append, clear = self._texts, self._texts.append, self._texts.clear
        slot = outside = _OUTSIDE

        def start(name: str, attributes: list[str]) -> None:
            nonlocal slot
            if slot != outside:
                self._fail("an element inside an item", "text only")
            if name != item:
                self._start(name)
                return
            plain = len(attributes) == 2 and attributes[0] == "naaccrId"
            key = attributes[1] if plain else tuple(attributes)
            found = known.get(key)
            if found is None:
                found = known[key] = self._slot(attributes)
            slot = found
            if found >= 0:
                # Text elsewhere, most of it the white space of the layout, is not even called.
                parser.CharacterDataHandler = append

        def end(name: str) -> None:
            nonlocal slot
            if name != item:
                self._end(name)
                return
            if slot >= 0:
                parser.CharacterDataHandler = None
                if texts:
                    text = texts[0] if len(texts) == 1 else "".join(texts)
                    clear()
                    target = self._target
                    target[slot] = self._again(target[slot], text) if target[slot] else text
            slot = outside

        parser.StartElementHandler = start
        parser.EndElementHandler = end
        self._handlers = (start, end)

    def _again(self, first: str, second: str) -> str:
        """What is kept of two values for one item."""
        if first == second:
            return second
        self.n_conflicts += 1
        return _DIFFERENT

    def _slot(self, attributes: list[str]) -> int:
        """Where the values of an item seen for the first time go; its heading is noted."""
        named = dict(zip(attributes[::2], attributes[1::2], strict=True))
        number = named.get("naaccrNum", "").strip()
        heading = named.get("naaccrId", "").strip() or item_ids().get(number, number)
        if not heading:
            self._fail("an item without a name", "the attribute naaccrId or naaccrNum")
        if heading not in self.headings:
            self.headings.append(heading)
            if self._keeps(heading):
                self.slots[heading] = len(self.slots)
                levels = (self._root, self._patient, self._target, self._late)
                for values in {id(level): level for level in levels}.values():
                    values.append("")
        return self.slots.get(heading, _UNREAD)

    def _start(self, name: str) -> None:
        """A patient or tumour begins; anything else of another name space is passed over."""
        local = name.removeprefix(self._prefix)
        if " " in local or (self._prefix and local == name):
            self._pass_over(name)
            return
        if _PARENTS.get(local) != self._open[-1]:
            self._fail(f"<{local}> inside <{self._open[-1]}>", _ORDER)
        self._open.append(local)
        if local == "Patient":
            self.n_patients += 1
            self._n_tumours = 0
            self._target = self._patient = self._root.copy()
        else:
            self._n_tumours += 1
            self._target = self._patient.copy()

    def _end(self, name: str) -> None:
        """A patient or tumour ends; what is said of either has been said."""
        local = name.removeprefix(self._prefix)
        self._open.pop()
        if local == "Tumor":
            self._keep(self._target)
        elif local == "Patient":
            self.n_without_tumour += not self._n_tumours
            if self._bare:
                self._ended = self._parser.CurrentByteIndex + len(LAST)
        if any(self._late):
            self._fail("an item after the tumours or patients that it is said of", _ORDER)
        self._target = self._late

    def _pass_over(self, name: str) -> None:
        """An extension: nothing in it is read."""
        space = name.rpartition(" ")[0]
        self.extensions[space] = self.extensions.get(space, 0) + 1
        self._depth = 1
        self._parser.StartElementHandler = self._deeper
        self._parser.EndElementHandler = self._shallower

    def _deeper(self, _name: str, _attributes: list[str]) -> None:
        self._depth += 1

    def _shallower(self, _name: str) -> None:
        self._depth -= 1
        if not self._depth:
            self._parser.StartElementHandler, self._parser.EndElementHandler = self._handlers

    def _refuse_doctype(self, *_declared: object) -> None:
        advice = "NAACCR XML has none, and one may make a small file fill the memory. Delete it."
        self._fail("a document type declaration", advice=advice)

    def _fail(self, found: str, allowed: str = "", advice: str = "") -> NoReturn:
        """Stop where the parser stands."""
        line, column = self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1
        raise DataError(Problem(self._where(line, column), found, allowed, advice))

    def _where(self, line: int, column: int) -> str:
        place = f"{self._name} line {line}, column {column}"
        return f"{place}, patient {self.n_patients:,}" if self.n_patients else place

    def _malformed(self, error: expat.ExpatError, piece: bytes) -> DataError:
        """What expat could not read, in words that help."""
        where = self._where(error.lineno, error.offset + 1)
        if error.code in _CUT:
            found = "the file ends before it is complete"
            return DataError(Problem(where, found, advice="Copy or export it again."))
        found = f"is no well-formed XML: {expat.ErrorString(error.code)}"
        advice = "Export it again: nothing of a damaged file is used."
        at = self._parser.ErrorByteIndex
        if error.code == _INVALID and piece and at >= 0 and self._not_ascii(piece, at):
            found = "a letter that is not in the encoding which the file declares (or UTF-8)"
            advice = (
                "Name the true encoding in the first line, as in "
                '<?xml version="1.0" encoding="windows-1252"?>, or save the file as UTF-8.'
            )
        return DataError(Problem(where, found, advice=advice))

    def _not_ascii(self, piece: bytes, at: int) -> bool:
        """Whether the byte that stopped the parser, in the last piece, is no ASCII."""
        place = at - self.n_bytes + len(piece)
        return 0 <= place < len(piece) and piece[place] >= 0x80
