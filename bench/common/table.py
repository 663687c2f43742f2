"""Plain text tables."""


def table(head, rows):
    """Lines with the first column to the left and the others to the right."""
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[place]) for row in cells) for place in range(len(head))]

    def line(row):
        first = row[0].ljust(widths[0])
        return "  ".join([first] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]).rstrip()

    return "\n".join([line(cells[0]), "-" * (sum(widths) + 2 * (len(widths) - 1)), *map(line, cells[1:])])


def figure(value, digits=3):
    """A number with so many significant digits, a dash for none."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    text = f"{value:.{digits}g}"
    return f"{float(text):,.0f}" if "e" in text or abs(value) >= 10 ** digits else text
