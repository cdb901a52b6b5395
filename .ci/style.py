"""How exported code reads: python .ci/style.py [FOLDER...], e.g. data retrieval/metrics; everything without one

Lines are read, not solved. A rule is a function of a module's text and its tree that yields (line, what is wrong)."""
import ast, io, re, sys, tokenize
from pathlib import Path
from typing import Iterator
import layers

COLUMNS = 120
TARGETS = 2 # names bound by one assignment
RETURNED = 2 # values in a bare tuple
FUNCTION_LINES = 40
CELL_LINES = 30
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LONG_TEXT = re.compile(r'(Error|Exception|Warning|BadData|UnknownName)$|^(exit|warn|warn_once)$') # the calls
CLOSING = re.compile(r'[\s)\]},]*(from \w+)?$') # what may follow such a text on its line
STATEMENTS_IN_DISGUISE = (ast.BoolOp, ast.IfExp, ast.ListComp, ast.SetComp, ast.DictComp)
MUTATES = set('''append extend insert add update pop popitem popleft appendleft setdefault remove discard clear write
    writelines unlink rmtree mkdir touch rename sort reverse push put seek truncate close'''.split())
MUTATING_FUNCTIONS = {'setattr', 'delattr', 'print', 'exec'}

# Lines

def error_texts(tree:ast.AST) -> Iterator[ast.AST]:
    "String literals inside a `raise`, the message of an `assert`, or a call that makes an exception or warns"
    def is_text(n): return isinstance(n, ast.JoinedStr) or isinstance(n, ast.Constant) and isinstance(n.value, str)
    for n in ast.walk(tree):
        is_call = isinstance(n, ast.Call) and LONG_TEXT.search((layers.dotted(n.func) or '').split('.')[-1])
        if isinstance(n, ast.Raise) or is_call: yield from filter(is_text, ast.walk(n))
        if isinstance(n, ast.Assert) and n.msg: yield from filter(is_text, ast.walk(n.msg))

def excess_is_text(line:str, number:int, texts:list) -> bool:
    "Whether what is over the limit lies in one of `texts`, but for closing brackets"
    data = line.encode() # ast counts bytes
    for t in texts:
        if not t.lineno<=number<=t.end_lineno: continue
        start = len(data[:t.col_offset].decode()) if t.lineno==number else 0
        end = len(data[:t.end_col_offset].decode()) if t.end_lineno==number else len(line)
        if start<COLUMNS and CLOSING.match(line[end:]): return True
    return False

def wide(src:str, tree:ast.AST) -> Iterator[tuple]:
    "Lines over 120 columns, unless what is over is the text of an error"
    texts = list(error_texts(tree))
    generated = False # nbdev writes `__all__` as wide as it likes
    for i, line in enumerate(src.splitlines(), 1):
        if line.startswith('# %%'): generated = line.startswith('# %% auto')
        if len(line)<=COLUMNS or generated or excess_is_text(line, i, texts): continue
        yield i, f'{len(line)} columns, at most {COLUMNS}'

def semicolons(src:str, tree:ast.AST) -> Iterator[tuple]:
    "Two statements on a line"
    for t in tokenize.generate_tokens(io.StringIO(src).readline):
        if t.type==tokenize.OP and t.string==';': yield t.start[0], 'two statements on a line'

# Statements

def names(target:ast.AST) -> int:
    "How many names an assignment's target binds"
    return sum(map(names, target.elts)) if isinstance(target, (ast.Tuple, ast.List)) else 1

def targets(n:ast.Assign) -> int:
    "How many targets a reader has to match: every name where several values stand on the right"
    if isinstance(n.value, (ast.Tuple, ast.List)): return max(map(names, n.targets))
    return max(len(getattr(t, 'elts', [t])) for t in n.targets)

def comes_apart(value:ast.AST) -> bool:
    "`x.shape`, `x.shape[1:]`, `x.size()` and `s.partition('.')`, which are made to be unpacked"
    if isinstance(value, ast.Subscript): value = value.value
    if isinstance(value, ast.Call): value = value.func
    return isinstance(value, ast.Attribute) and value.attr in ('shape', 'size', 'partition', 'rpartition')

def parallel(src:str, tree:ast.AST) -> Iterator[tuple]:
    "Assignments of more than two names at once"
    for n in ast.walk(tree):
        if not isinstance(n, ast.Assign) or comes_apart(n.value): continue
        count = targets(n)
        if count>TARGETS: yield n.lineno, f'{count} targets in one assignment, at most {TARGETS}'

def conditions(tree:ast.AST) -> Iterator[ast.AST]:
    "The expressions that a reader takes for questions: tests, parts of `and` and `or`, branches, comprehensions"
    for n in ast.walk(tree):
        if isinstance(n, (ast.If, ast.While, ast.Assert)): yield n.test
        if isinstance(n, ast.IfExp): yield from (n.test, n.body, n.orelse)
        if isinstance(n, ast.BoolOp): yield from n.values
        if isinstance(n, ast.comprehension): yield from n.ifs
        if isinstance(n, (ast.ListComp, ast.SetComp, ast.GeneratorExp)): yield n.elt
        if isinstance(n, ast.DictComp): yield from (n.key, n.value)

def effects(src:str, tree:ast.AST) -> Iterator[tuple]:
    "Calls for their side effect inside a condition or a comprehension, and expressions that stand for a statement"
    for n in ast.walk(tree):
        if isinstance(n, ast.Expr) and isinstance(n.value, STATEMENTS_IN_DISGUISE):
            yield n.lineno, 'an expression for its side effect'
    for n in (k for c in conditions(tree) for k in ast.walk(c) if isinstance(k, ast.Call)):
        method = isinstance(n.func, ast.Attribute) and n.func.attr in MUTATES
        if method: yield n.lineno, f'.{n.func.attr}() inside a condition or comprehension'
        if isinstance(n.func, ast.Name) and n.func.id in MUTATING_FUNCTIONS:
            yield n.lineno, f'{n.func.id}() inside a condition or comprehension'

def returned(src:str, tree:ast.AST) -> Iterator[tuple]:
    "Three values or more returned without names; what Python or autograd prescribes is theirs"
    for f in (n for n in ast.walk(tree) if isinstance(n, FUNCTIONS)):
        if f.name=='backward' or f.name.startswith('__'): continue
        for n in own_nodes(f):
            if not isinstance(n, ast.Return): continue
            values = [n.value.body, n.value.orelse] if isinstance(n.value, ast.IfExp) else [n.value]
            count = max(len(v.elts) if isinstance(v, ast.Tuple) else 0 for v in values)
            if count>RETURNED: yield n.lineno, f'a bare tuple of {count} is returned; name its fields'

# Definitions

def own_nodes(scope:ast.AST) -> Iterator[ast.AST]:
    "What lies in a module's or function's own scope, not in the functions inside it"
    for n in ast.iter_child_nodes(scope):
        yield n
        if not isinstance(n, (*FUNCTIONS, ast.Lambda)): yield from own_nodes(n)

def public(body:list, prefix:str='') -> Iterator[tuple]:
    "(name, node) of the public functions and methods, also those defined under an `if` or `try`"
    for n in body:
        if isinstance(n, FUNCTIONS) and not n.name.startswith('_'): yield prefix+n.name, n
        elif isinstance(n, ast.ClassDef) and not n.name.startswith('_'): yield from public(n.body, f'{prefix}{n.name}.')
        elif isinstance(n, (ast.If, ast.Try, ast.With)):
            parts = [n.body, getattr(n, 'orelse', []), *(h.body for h in getattr(n, 'handlers', []))]
            for part in parts: yield from public(part, prefix)

def untyped(src:str, tree:ast.AST) -> Iterator[tuple]:
    "Public functions and methods that do not say what they return"
    for name, n in public(tree.body):
        if n.returns is None: yield n.lineno, f'{name} has no return type'

def long(src:str, tree:ast.AST) -> Iterator[tuple]:
    "Functions over 40 lines"
    for n in ast.walk(tree):
        if not isinstance(n, FUNCTIONS): continue
        lines = n.end_lineno-n.lineno+1
        if lines>FUNCTION_LINES: yield n.lineno, f'{n.name} has {lines} lines, at most {FUNCTION_LINES}'

def imported(scope:ast.AST) -> Iterator[tuple]:
    "(name, line) of what a scope itself imports"
    for n in own_nodes(scope):
        if isinstance(n, ast.Import): yield from ((a.asname or a.name.split('.')[0], n.lineno) for a in n.names)
        if isinstance(n, ast.ImportFrom) and n.module!='__future__':
            yield from ((a.asname or a.name, n.lineno) for a in n.names if a.name!='*')

def used(scope:ast.AST) -> set:
    "Names read anywhere in a scope, in annotations between quotes and in nbdev's `_all_` too"
    res = {n.id for n in ast.walk(scope) if isinstance(n, ast.Name)}
    for n in ast.walk(scope):
        for a in (getattr(n, 'annotation', None), getattr(n, 'returns', None)):
            quoted = [k.value for k in ast.walk(a) if isinstance(k, ast.Constant)] if isinstance(a, ast.AST) else []
            res.update(w for q in quoted if isinstance(q, str) for w in re.findall(r'\w+', q))
        if isinstance(n, ast.Assign) and ast.unparse(n.targets[0])=='_all_': res.update(ast.literal_eval(n.value))
    return res

def unused(src:str, tree:ast.AST) -> Iterator[tuple]:
    "Imports that the scope they stand in does not use"
    for scope in ast.walk(tree):
        if not isinstance(scope, (ast.Module, *FUNCTIONS)): continue
        found = list(imported(scope))
        seen = used(scope) if found else set()
        yield from ((i, f'{name} is imported and not used') for name, i in found if name not in seen)

RULES = (wide, semicolons, parallel, effects, returned, untyped, long, unused)

def faults(src:str) -> list:
    "(line, what) of every fault in a module's text"
    tree = ast.parse(src)
    return sorted({fault for rule in RULES for fault in rule(src, tree)})

def long_cells(nb:Path) -> Iterator[tuple]:
    "(cell, what) of exported cells over 30 lines, directives left out"
    for c in layers.code_cells(nb):
        src = layers.source(c)
        lines = len(src.splitlines())-len(list(layers.directives(src)))
        if layers.export_line(src) and lines>CELL_LINES:
            yield f'cell {c["id"]!r}', f'exports {lines} lines, at most {CELL_LINES}'

def check(tree:Path, where:tuple=('',)) -> list:
    "One line for every fault in the package, its notebooks and these checks, or in the folders named"
    where, res = tuple(o.strip('/') for o in where), []
    modules = [(f, layers.short(f, tree/layers.PACKAGE)) for f in (tree/layers.PACKAGE).rglob('*.py')]
    tools = [(f, layers.short(f, tree)) for f in (tree/'.ci').rglob('*.py')]
    for f, name in sorted(modules+tools):
        if f.name=='_modidx.py' or not name.startswith(where): continue
        res += [f'{layers.short(f, tree)}:{i}: {what}' for i, what in faults(f.read_text(encoding='utf-8'))]
    for nb in layers.notebooks(tree/'nbs'):
        if not layers.short(nb, tree/'nbs').startswith(where): continue
        res += [f'{layers.short(nb, tree)}: {cell} {what}' for cell, what in long_cells(nb)]
    return res

if __name__=='__main__':
    found = check(Path(__file__).resolve().parents[1], tuple(sys.argv[1:]) or ('',))
    print(*found, f'{len(found)} faults', sep='\n')
    sys.exit(bool(found))
