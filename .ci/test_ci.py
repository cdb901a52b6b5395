"The checks, checked: each on a small tree that breaks the rule"
import json, tempfile
from pathlib import Path
import checks, layers

def write_nb(path, *srcs, outputs=(), metadata=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [dict(cell_type='code', id=f'c{i}', metadata={}, execution_count=None, outputs=list(outputs), source=s.splitlines(True))
             for i, s in enumerate(srcs)]
    path.write_text(json.dumps(dict(cells=cells, metadata=metadata or {}, nbformat=4, nbformat_minor=5)))

def refusals(exported, name='50_learner.ipynb', module='learner', directive='#| export'):
    "What the layer rule says of one exported cell among 10_data.core, 51_evaluate, 60 and 61"
    with tempfile.TemporaryDirectory() as d:
        nbs = Path(d)/'nbs'
        for n, m in [('10_data.core','data.core'), ('50_learner','learner'), ('51_evaluate','evaluate'),
                     ('60_methods.a','methods.a'), ('61_methods.b','methods.b')]: write_nb(nbs/f'{n}.ipynb', f'#| default_exp {m}')
        write_nb(nbs/name, f'#| default_exp {module}', f'{directive}\n{exported}')
        return layers.check(nbs)

UP = r'''from cir_nb.evaluate import evaluate
from cir_nb.evaluate import *
import cir_nb.evaluate
import cir_nb.evaluate as e
from cir_nb import evaluate
from cir_nb import evaluate as e
from .evaluate import evaluate
from . import evaluate
import cir_nb; cir_nb.evaluate.evaluate()
importlib.import_module('cir_nb.evaluate')
import_module('.evaluate', 'cir_nb')
import_module('.evaluate', package='cir_nb')
import_module('.evaluate', __package__)
__import__('cir_nb.evaluate')
def f():\n    from cir_nb.evaluate import evaluate
class A:\n    def f(self):\n        if self: import torch, cir_nb.evaluate
try: from cir_nb.evaluate import evaluate\nexcept ImportError: pass'''

def test_layers():
    for src in UP.splitlines():
        bad = refusals(src.replace('\\n', '\n'))
        assert len(bad)==1 and '50_learner.ipynb imports cir_nb.evaluate from 51_evaluate.ipynb: not a lower number' in bad[0], (src, bad)
    for src in UP.splitlines(): # the same from above is fine
        assert not refusals(src.replace('\\n', '\n'), '99_cli.ipynb', 'cli'), src
    deep = dict(name='12_data.own.ipynb', module='data.own')
    assert refusals('from ..evaluate import x', **deep) and refusals('from .. import evaluate', **deep)
    assert not refusals('from .core import x\nfrom . import core\nfrom cir_nb.data import core\nimport cir_nb.data.core', **deep)
    assert refusals('from cir_nb.learner import x', '50_twin.ipynb', 'twin'), 'equal numbers'
    assert refusals('from cir_nb.methods.a import A', '61_methods.b.ipynb', 'methods.b'), 'the 60s'
    assert refusals('from .a import A', '61_methods.b.ipynb', 'methods.b') and refusals('from . import a', '61_methods.b.ipynb', 'methods.b')
    assert refusals('from cir_nb.methods.b import B', '60_methods.a.ipynb', 'methods.a')
    assert not refusals('import torch\nfrom cir_nb import __version__\nimport_module(name)')
    assert refusals('from cir_nb.evaluate import x', directive='\n#| exports') and refusals('x = (', directive='#| hide\n#| export')
    assert not refusals('from cir_nb.evaluate import x', directive='#| hide'), 'a test cell may use what it likes'
    assert refusals('from cir_nb.learner import x', 'tutorials/quickstart.ipynb', 'quick'), 'code without a number'

def test_notebooks():
    with tempfile.TemporaryDirectory() as d:
        nb = Path(d)/'a.ipynb'
        write_nb(nb, '1+1'); assert not checks.notebook_faults(nb)
        write_nb(nb, 'x'*600_000); assert 'KB' in checks.notebook_faults(nb)[0]
        write_nb(nb, '1/0', outputs=[dict(output_type='error', ename='E', evalue='', traceback=[])]); assert 'error' in checks.notebook_faults(nb)[0]
        write_nb(nb, '1', outputs=[dict(output_type='stream', name='stderr', text=['/home/me/lib.py: warning'])]); assert 'stderr' in checks.notebook_faults(nb)[0]
        write_nb(nb, '1', metadata=dict(widgets={})); assert 'widget' in checks.notebook_faults(nb)[0]

def test_functions():
    assert not list(checks.long_functions('def f():\n' + '    x = 1\n'*39))
    assert list(checks.long_functions('class A:\n    async def f(self):\n' + '        x = 1\n'*40))==[('f', 41)]

def test_compare():
    with tempfile.TemporaryDirectory() as d:
        a, b = Path(d)/'a', Path(d)/'b'
        for p in (a, b): (p/'m').mkdir(parents=True); (p/'m'/'x.py').write_text('1'); (p/'__pycache__').mkdir()
        assert not checks.differences(a, b)
        (b/'m'/'x.py').write_text('2'); (a/'orphan.py').write_text('3'); (b/'new.py').write_text('4')
        assert [o.split(':')[0] for o in checks.differences(a, b)]==['m/x.py', 'new.py', 'orphan.py']

def test_copy():
    with tempfile.TemporaryDirectory() as d:
        a, b = Path(d)/'a', Path(d)/'b'
        for f in ('cir_nb/data/x.py', 'data/photo.jpg', '.venv/y', 'nbs/z.ipynb', 'nbs/__pycache__/z'):
            (a/f).parent.mkdir(parents=True, exist_ok=True); (a/f).write_text('')
        checks.copy_tree(a, b)
        assert sorted(o.relative_to(b).as_posix() for o in b.rglob('*') if o.is_file())==['cir_nb/data/x.py', 'nbs/z.ipynb']

def run():
    for name, f in list(globals().items()):
        if name.startswith('test_'): f()
