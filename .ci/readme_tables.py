"""Write README's measured tables from what measured them: python .ci/readme_tables.py [README]

A table stands between two comments, `<!-- table NAME: begin -->` and `<!-- table NAME: end -->`. It is rendered from a
file of the checkout: a notebook's kept output, or numbers that a command wrote. `.ci/test.py --checks` compares."""
import json, re, sys
from pathlib import Path
from typing import Callable, Iterator, NamedTuple

ROOT = Path(__file__).resolve().parents[1]

class Table(NamedTuple):
    "A table of the README"
    name: str # in its two comments
    source: str # the file that has its numbers, below the checkout
    render: Callable # source file -> Markdown; ValueError where it has none

def kept_markdown(cell:str) -> Callable:
    "The Markdown that a notebook's cell shows, as it was kept"
    def render(nb:Path) -> str:
        cells = {c.get('id'): c for c in json.loads(nb.read_text(encoding='utf-8'))['cells']}
        outputs = cells.get(cell, {}).get('outputs', [])
        shown = [o['data']['text/markdown'] for o in outputs if 'text/markdown' in o.get('data', {})]
        if not shown: raise ValueError(f'cell {cell!r} keeps no Markdown; .ci/run_nb.py runs it and keeps what it shows')
        return ''.join(shown[-1]).strip()
    return render

TABLES = [
    Table('garments', 'nbs/tutorials/13_half_a_query.ipynb', kept_markdown('all')),
]

def marker(name:str, which:str) -> str: return f'<!-- table {name}: {which} -->'

def between(text:str, name:str) -> re.Match:
    "The part of a text between the two comments of a table; ValueError where they do not stand once each, in order"
    begin, end = marker(name, 'begin'), marker(name, 'end')
    found = re.search(f'(?<={re.escape(begin)})(.*?)(?={re.escape(end)})', text, re.S)
    if found and text.count(begin)==text.count(end)==1: return found
    raise ValueError(f'{begin} and {end} must stand there once each, in this order')

def filled(text:str, name:str, table:str) -> str:
    "A text with a table between its comments"
    part = between(text, name)
    return f'{text[:part.start()]}\n{table.strip()}\n{text[part.end():]}'

def faults(readme:Path, tables:list) -> Iterator[str]:
    "One line for each table that is not what its source says"
    text = readme.read_text(encoding='utf-8')
    for t in tables:
        source = readme.parent/t.source
        try:
            if filled(text, t.name, t.render(source))==text: continue
            why = f'is not what {t.source} says; `python .ci/readme_tables.py` writes it'
        except FileNotFoundError: why = f'{t.source} is not there'
        except (ValueError, LookupError, TypeError, AttributeError) as e: why = f'{t.source}: {e}'
        yield f'{readme.name}, table {t.name}: {why}'

def write(readme:Path, tables:list) -> None:
    "Every table, from its source"
    text = readme.read_text(encoding='utf-8')
    for t in tables: text = filled(text, t.name, t.render(readme.parent/t.source))
    readme.write_text(text, encoding='utf-8')

if __name__=='__main__':
    readme = Path(sys.argv[1] if len(sys.argv)>1 else ROOT/'README.md')
    try: write(readme, TABLES)
    except (OSError, ValueError, LookupError) as e: sys.exit(f'{readme} is left as it was: {e}')
