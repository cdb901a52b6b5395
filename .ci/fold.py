"""Fold the cells that start with `#| hide`, so that JupyterLab shows one line of each: python .ci/fold.py [NOTEBOOK...]

nbdev leaves such cells out of the documentation; in a notebook they are tests and imports that teach nothing.
The fold is `metadata.jupyter.source_hidden`; nbdev_clean keeps it, as settings.ini allows the key `jupyter`."""
import json, re, sys
from pathlib import Path
from typing import Iterator
import layers

HIDE = re.compile(r'#\s*\|\s*hide\s*$')
FOLDED = {'source_hidden': True}

def is_hidden(cell:dict) -> bool:
    "Whether a cell has the directive `#| hide`"
    return cell['cell_type']=='code' and any(map(HIDE.match, layers.directives(layers.source(cell))))

def faults(nb:Path) -> Iterator[tuple]:
    "(cell, why) of every cell of a notebook that is not folded as it should be"
    for c in json.loads(nb.read_text(encoding='utf-8'))['cells']:
        found = c['metadata'].get('jupyter')
        if is_hidden(c) and found!=FOLDED: yield c.get('id'), 'has `#| hide` and is not folded'
        elif not is_hidden(c) and found is not None: yield c.get('id'), f'is not hidden and has {found} in its metadata'

def fold(cells:list) -> bool:
    "Fold the hidden cells among `cells` and unfold the others; whether anything changed"
    changed = False
    for c in cells:
        want = FOLDED if is_hidden(c) else None
        if c['metadata'].get('jupyter')==want: continue
        changed = True
        if want is None: del c['metadata']['jupyter']
        else: c['metadata']['jupyter'] = dict(want)
    return changed

def main(paths:list) -> None:
    "Fold the notebooks named, or all of them, and name those that changed"
    from execnb.nbio import read_nb, write_nb
    for nb in map(Path, paths or layers.notebooks(Path(__file__).resolve().parents[1]/'nbs')):
        content = read_nb(nb)
        if fold(content.cells):
            write_nb(content, nb)
            print(nb)

if __name__=='__main__': main(sys.argv[1:])
