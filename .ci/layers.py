"""The folders' order: an exported cell imports only from earlier folders, or from lower numbers in its own

A notebook's layer is its folder and its number, whatever its module is called: `commands/99_cli` exports `cli`."""
import ast, json, re
from pathlib import Path
from typing import Iterator, NamedTuple

PACKAGE = 'cir_nb'
LAYERS = ('core synthetic data backbones models retrieval methods training checkpoints integrity analysis catalogue '
    'demo parity bench commands').split()
WITHOUT_LAYER = ('tutorials', 'reproduce') # they export nothing, so nothing depends on them
APART = ('methods',) # the notebooks of such a folder never import one another

EXPORT = re.compile(r'#\s*\|\s*export[si]?\s*:?(?:\s+(\S+))?\s*$')
DEFAULT = re.compile(r'^#\s*\|\s*default_exp\s+(\S+)\s*$', re.M)

class Arrow(NamedTuple):
    "One import in an exported cell"
    importer:Path # notebook
    module:str # what it imports, without the package's name
    source:Path # the notebook that exports it

def code_cells(nb:Path) -> list:
    "The code cells of a notebook, as they stand in the file"
    return [c for c in json.loads(nb.read_text(encoding='utf-8'))['cells'] if c['cell_type']=='code']

def source(cell:dict) -> str:
    "The text of a cell"
    return ''.join(cell['source'])

def directives(src:str) -> Iterator[str]:
    "The `#|` lines a cell starts with"
    for line in src.splitlines():
        if line.strip() and not re.match(r'\s*#\s*\|', line): return
        if line.strip(): yield line.strip()

def export_line(src:str) -> re.Match|None:
    "The directive that exports a cell"
    return next((m for d in directives(src) if (m:=EXPORT.match(d))), None)

def exported(nb:Path) -> Iterator[tuple]:
    "(module, source) of every exported cell"
    cells = [source(c) for c in code_cells(nb)]
    default = next((m[1] for s in cells if (m:=DEFAULT.search(s))), None)
    for src in cells:
        hit = export_line(src)
        module = hit and (hit[1] or default)
        if module: yield module, src

def notebooks(folder:Path) -> list:
    "Every notebook below a folder; what Jupyter keeps for itself is left out"
    return sorted(f for f in Path(folder).rglob('*.ipynb') if '.ipynb_checkpoints' not in f.parts)

def modules(folder:Path) -> dict:
    "Module -> the notebook that exports it"
    res = {}
    for nb in notebooks(folder):
        for mod in {m[1] for c in code_cells(nb) if (m:=DEFAULT.search(source(c)))} | {m for m, _ in exported(nb)}:
            if mod in res: raise ValueError(f'{short(res[mod], folder)} and {short(nb, folder)} both export {mod}')
            res[mod] = nb
    return res

# What a cell imports

def package_of(mod:str, level:int) -> str:
    "The package that `level` dots name inside the module `mod`"
    return '.'.join([PACKAGE, *mod.split('.')][:-level])

def dotted(node:ast.AST) -> str|None:
    "`a.b.c` as text"
    if isinstance(node, ast.Name): return node.id
    left = dotted(node.value) if isinstance(node, ast.Attribute) else None
    return f'{left}.{node.attr}' if left else None

def called(node:ast.Call, mod:str) -> str|None:
    "What `importlib.import_module('...')` or `__import__('...')` names, when it is written out"
    if (dotted(node.func) or '').split('.')[-1] not in ('import_module', '__import__') or not node.args: return None
    arg = node.args[0]
    if not (isinstance(arg, ast.Constant) and isinstance(arg.value, str)): return None
    name = arg.value.lstrip('.')
    dots = len(arg.value)-len(name)
    if not dots: return name
    at = node.args[1] if len(node.args)>1 else next((k.value for k in node.keywords if k.arg=='package'), None)
    base = (at.value if isinstance(at, ast.Constant) else package_of(mod, 1)).split('.')
    return '.'.join([*base[:len(base)-dots+1], name])

def imports(src:str, mod:str) -> Iterator[str]:
    "Dotted names that the source imports or reaches, in any form; `from a import b` counts as `a.b`"
    nodes = list(ast.walk(ast.parse(src)))
    alias = {}
    for n in nodes:
        if isinstance(n, ast.Import):
            for a in n.names: alias[a.asname or a.name.split('.')[0]] = a.name if a.asname else a.name.split('.')[0]
            yield from (a.name for a in n.names)
        elif isinstance(n, ast.ImportFrom):
            base = '.'.join(filter(None, [package_of(mod, n.level) if n.level else '', n.module]))
            alias.update({a.asname or a.name: f'{base}.{a.name}' for a in n.names})
            yield from (f'{base}.{a.name}' for a in n.names)
        elif isinstance(n, ast.Call) and (name:=called(n, mod)): yield name
    for n in nodes: # import cir_nb; cir_nb.training.learner.fit
        head, _, rest = ((dotted(n) if isinstance(n, ast.Attribute) else None) or '').partition('.')
        if head in alias: yield f'{alias[head]}.{rest}'

def resolve(name:str, mods:dict) -> str|None:
    "The module of ours that a dotted name reaches"
    head, *parts = name.split('.')
    if head!=PACKAGE: return None
    tries = ('.'.join(parts[:i]) for i in range(len(parts), 0, -1))
    return next((m for m in tries if m in mods), None)

def arrows(folder:Path) -> list:
    "Every import of one notebook's module in another's exported cells, once"
    mods, res = modules(folder), {}
    for nb in notebooks(folder):
        for mod, src in exported(nb):
            deps = {resolve(n, mods) for n in imports(src, mod)}-{None}
            res.update({Arrow(nb, d, mods[d]): True for d in sorted(deps) if mods[d]!=nb})
    return list(res)

# The rule

def short(nb:Path, folder:Path) -> str:
    "`retrieval/01_metrics.ipynb`: base names repeat"
    return nb.relative_to(folder).as_posix()

def place(nb:Path, folder:Path) -> tuple:
    "(folder, number) of a notebook; what its name lacks is None"
    number = re.match(r'\d+', nb.name)
    return nb.parent.relative_to(folder).as_posix(), int(number[0]) if number else None

def misplaced(folder:Path) -> Iterator[str]:
    "Notebooks that export where nothing should, without a number, or with one that is taken; cells that are not Python"
    taken = {}
    for nb in notebooks(folder):
        cells, name = list(exported(nb)), short(nb, folder)
        room, number = place(nb, folder)
        if not cells: continue
        for _, src in cells:
            try: ast.parse(src)
            except SyntaxError as e: yield f'{name}: an exported cell is not Python: {e}'
        if room in WITHOUT_LAYER: yield f'{name} exports code, and {room} has no layer'
        elif room not in LAYERS: yield f'{name} exports code, and its folder {room!r} is not among LAYERS'
        elif number is None: yield f'{name} exports code but has no number'
        elif (room, number) in taken: yield f'{name} has the number of {taken[room, number]}'
        taken.setdefault((room, number), name)

def refused(arrow:Arrow, folder:Path) -> str|None:
    "Why the importer may not use what the other exports"
    a, i = place(arrow.importer, folder)
    b, j = place(arrow.source, folder)
    if not {a, b}<=set(LAYERS) or None in (i, j): return None # named by `misplaced`
    if a==b and a in APART: return f'{a} never import one another'
    if a==b and j>=i: return 'not a lower number'
    if LAYERS.index(b)>LAYERS.index(a): return f'{b} comes after {a}'
    return None

def check(folder:Path) -> list:
    "One line for every fault"
    folder = Path(folder)
    bad = list(misplaced(folder))
    try: found = arrows(folder)
    except SyntaxError: return bad # named by `misplaced`
    except ValueError as e: return [*bad, str(e)]
    for arrow in found:
        why = refused(arrow, folder)
        importer, source = short(arrow.importer, folder), short(arrow.source, folder)
        if why: bad.append(f'{importer} imports {PACKAGE}.{arrow.module} from {source}: {why}')
    return bad
