"The layer rule: an exported cell imports only from lower-numbered notebooks, and the 60s never import one another"
import ast, json, re
from pathlib import Path

EXPORT = re.compile(r'#\s*\|\s*export[si]?\s*:?(?:\s+(\S+))?\s*$')
DEFAULT = re.compile(r'^#\s*\|\s*default_exp\s+(\S+)\s*$', re.M)

def cells(nb): return [''.join(c['source']) for c in json.loads(nb.read_text(encoding='utf-8'))['cells'] if c['cell_type']=='code']

def directives(src):
    "The `#|` lines a cell starts with"
    for line in src.splitlines():
        if line.strip() and not re.match(r'\s*#\s*\|', line): return
        if line.strip(): yield line.strip()

def exported(nb):
    "(module, source) of every exported cell"
    srcs = cells(nb)
    default = next((m[1] for s in srcs if (m:=DEFAULT.search(s))), None)
    for s in srcs:
        hit = next((m for d in directives(s) if (m:=EXPORT.match(d))), None)
        if hit and (hit[1] or default): yield hit[1] or default, s

def modules(folder):
    "Module -> notebook, from the `default_exp` of every notebook"
    res = {}
    for nb in sorted(folder.rglob('*.ipynb')):
        for mod in {m[1] for s in cells(nb) if (m:=DEFAULT.search(s))}:
            if mod in res: raise ValueError(f'{res[mod].name} and {nb.name} both export {mod}')
            res[mod] = nb
    return res

def number(nb):
    "The number a notebook's name starts with"
    m = re.match(r'\d+', nb.name)
    return int(m[0]) if m else None

def _package(mod, level, pkg): # the package that `level` dots name inside the module `mod`
    return '.'.join([pkg, *mod.split('.')][:-level])

def _dotted(node):
    "`a.b.c` as text, or None"
    if isinstance(node, ast.Name): return node.id
    if isinstance(node, ast.Attribute) and (left:=_dotted(node.value)): return f'{left}.{node.attr}'

def _called(node, mod, pkg):
    "What `importlib.import_module('...')` or `__import__('...')` names, when it is written out"
    if (_dotted(node.func) or '').split('.')[-1] not in ('import_module', '__import__') or not node.args: return
    arg = node.args[0]
    if not (isinstance(arg, ast.Constant) and isinstance(arg.value, str)): return
    name, dots = arg.value.lstrip('.'), len(arg.value)-len(arg.value.lstrip('.'))
    if not dots: return name
    at = node.args[1] if len(node.args)>1 else next((k.value for k in node.keywords if k.arg=='package'), None)
    base = at.value if isinstance(at, ast.Constant) else _package(mod, 1, pkg)
    return '.'.join([*base.split('.')[:len(base.split('.'))-dots+1], name])

def imports(src, mod, pkg):
    "Dotted names that the source imports or reaches, in any form; `from a import b` counts as `a.b`"
    nodes, alias = list(ast.walk(ast.parse(src))), {}
    for n in nodes:
        if isinstance(n, ast.Import):
            for a in n.names: alias[a.asname or a.name.split('.')[0]] = a.name if a.asname else a.name.split('.')[0]
            yield from (a.name for a in n.names)
        elif isinstance(n, ast.ImportFrom):
            base = '.'.join(filter(None, [_package(mod, n.level, pkg) if n.level else '', n.module]))
            alias.update({a.asname or a.name: f'{base}.{a.name}' for a in n.names})
            yield from (f'{base}.{a.name}' for a in n.names)
        elif isinstance(n, ast.Call) and (name:=_called(n, mod, pkg)): yield name
    for name in filter(None, (_dotted(n) for n in nodes if isinstance(n, ast.Attribute))): # import cir_nb; cir_nb.learner.fit
        head, _, rest = name.partition('.')
        if head in alias: yield f'{alias[head]}.{rest}'

def resolve(name, mods, pkg):
    "The module of ours that a dotted name reaches, or None"
    head, *parts = name.split('.')
    if head==pkg: return next((m for i in range(len(parts), 0, -1) if (m:='.'.join(parts[:i])) in mods), None)

def refused(importer, dep):
    "Why the notebook `importer` may not use what `dep` exports, or None"
    a, b = number(importer), number(dep)
    if a is None: return f'{importer.name} exports code but has no number'
    if b is None: return f'{dep.name} has no number'
    if 60<=a<70 and 60<=b<70: return 'the 60s never import one another'
    if b>=a: return 'not a lower number'

def check(folder, pkg='cir_nb'):
    "One line for every import against the rule"
    folder, bad = Path(folder), {}
    mods = modules(folder)
    for nb in sorted(folder.rglob('*.ipynb')):
        for mod, src in exported(nb):
            try: names = list(imports(src, mod, pkg))
            except SyntaxError as e: bad[f'{nb.name}: an exported cell is not Python: {e}'] = True; continue
            for dep in {resolve(n, mods, pkg) for n in names}-{None}:
                if mods[dep]!=nb and (why:=refused(nb, mods[dep])): bad[f'{nb.name} imports {pkg}.{dep} from {mods[dep].name}: {why}'] = True
    return sorted(bad)
