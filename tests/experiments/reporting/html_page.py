"""A page, taken apart."""

import html.parser

VOID = {"meta", "br"}


class Page(html.parser.HTMLParser):
    """The elements of a page, which must be closed in order, and its text by element."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.ids, self.texts, self.links = [], [], [], {}, []
        self.attributes = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.seen.append(tag)
        self.attributes.append(attributes)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        self.links += [attributes[key] for key in ("href", "src") if key in attributes]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.setdefault(self.open[-1] if self.open else None, []).append(data)

    @property
    def text(self):
        return " ".join(text for of in self.texts.values() for text in of)
