"The checks, checked: each on a small tree or text that breaks the rule, and on one that keeps it"
import importlib.util, json, re, shutil, tempfile
from pathlib import Path
import checks, docs, fold, house, layers, readme_tables, speed, style

def write_nb(path:Path, *srcs:str, outputs:tuple=(), metadata:tuple=(), fold:tuple=()) -> Path:
    "A notebook with these code cells"
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [dict(cell_type='code', id=f'c{i}', metadata=dict(fold), execution_count=None, outputs=list(outputs),
        source=s.splitlines(True)) for i, s in enumerate(srcs)]
    path.write_text(json.dumps(dict(cells=cells, metadata=dict(metadata), nbformat=4, nbformat_minor=5)))
    return path

# The layer rule

HOUSE = '''data/02_core:data.core retrieval/00_ranking:retrieval.ranking retrieval/01_metrics:retrieval.metrics
    methods/00_a:methods.a methods/10_b:methods.b training/03_train:training.train'''.split()

def refusals(src:str, name:str='retrieval/00_ranking.ipynb', directive:str='#| export') -> list:
    "What the layer rule says of one exported cell in the small house above"
    with tempfile.TemporaryDirectory() as d:
        nbs, mods = Path(d)/'nbs', dict(o.split(':') for o in HOUSE)
        for n, m in mods.items(): write_nb(nbs/f'{n}.ipynb', f'#| default_exp {m}', '#| export\nx = 1')
        module = mods.get(name[:-len('.ipynb')], 'other')
        write_nb(nbs/name, f'#| default_exp {module}', f'{directive}\n{src}')
        return layers.check(nbs)

UP = r'''from cir_nb.training.train import train
from cir_nb.training.train import *
import cir_nb.training.train
import cir_nb.training.train as t
from cir_nb.training import train
from cir_nb.training import train as t
from ..training.train import train
from ..training import train
from .. import training; training.train.train()
import cir_nb; cir_nb.training.train.train()
importlib.import_module('cir_nb.training.train')
import_module('..training.train', 'cir_nb.retrieval')
import_module('..training.train', package='cir_nb.retrieval')
import_module('..training.train', __package__)
__import__('cir_nb.training.train')
def f():\n    from cir_nb.training.train import train
class A:\n    def f(self):\n        if self: import torch, cir_nb.training.train
try: from cir_nb.training.train import train\nexcept ImportError: pass'''.replace('; ', r'\n').splitlines()

def test_imports() -> None:
    "Every form of an import is seen, and means the same from above"
    fault = ('retrieval/00_ranking.ipynb imports cir_nb.training.train from training/03_train.ipynb: '
        'training comes after retrieval')
    for src in UP:
        assert refusals(src.replace('\\n', '\n'))==[fault], (src, refusals(src.replace('\\n', '\n')))
        above = src.replace('cir_nb.retrieval', 'cir_nb.commands').replace('\\n', '\n')
        assert not refusals(above, 'commands/00_core.ipynb'), src
    assert refusals('from cir_nb.training.train import x', directive='\n#| exports')
    assert not refusals('from cir_nb.training.train import x', directive='#| hide'), 'a test cell may use what it likes'
    assert not refusals('import torch\nfrom cir_nb import __version__\nimport_module(name)')

def test_order() -> None:
    "Earlier folders, lower numbers, methods apart"
    assert not refusals('from ..data.core import x'), 'an earlier folder, whatever the number'
    assert 'not a lower number' in refusals('from .metrics import x')[0]
    assert not refusals('from .ranking import x\nfrom . import ranking', 'retrieval/01_metrics.ipynb')
    assert not refusals('from .training.train import x', 'commands/99_cli.ipynb'), 'the folder counts, not the module'
    for src, name in [('from .a import A', 'methods/10_b.ipynb'), ('from . import a', 'methods/10_b.ipynb'),
                      ('from cir_nb.methods.b import B', 'methods/00_a.ipynb')]:
        assert 'methods never import one another' in refusals(src, name)[0], src

def test_places() -> None:
    "Where a notebook may export, and that no two share a number"
    assert 'has the number of' in refusals('x = 1', 'retrieval/01_twin.ipynb')[0]
    assert "'attic' is not among LAYERS" in refusals('x = 1', 'attic/00_old.ipynb')[0]
    assert "'data/deep' is not among LAYERS" in refusals('x = 1', 'data/deep/00_old.ipynb')[0]
    assert 'tutorials has no layer' in refusals('x = 1', 'tutorials/01_quickstart.ipynb')[0]
    assert 'has no number' in refusals('x = 1', 'retrieval/ranks.ipynb')[0]
    assert 'is not Python' in refusals('x = (', directive='#| hide\n#| export')[0]
    assert 'both export data.core' in refusals('x = 1', 'core/00_core.ipynb', '#| export data.core')[0]
    assert not refusals('x = 1', 'tutorials/01_quickstart.ipynb', '#| hide'), 'a tutorial exports nothing'

# Style

LONG = 'x'*120
STYLE = { # rule: (samples that break it, samples that keep it)
    style.wide: (
        [f'a = "{LONG}"', f'raise E("a")  # {LONG}', f'raise E("a" if {LONG} else "b")'],
        [f'raise BadData(f"{LONG}") from None', f'raise ValueError("a"\n    "{LONG}")', f'warnings.warn("{LONG}")',
         f'assert a, "{LONG}"', f'raise E("é{LONG[1:]}")', f'# %% auto 0\n__all__ = ["{LONG}"]\n# %% a', 'a = 1']),
    style.semicolons: (['a = 1; b = 2'], ['a = "1; 2" # ;']),
    style.parallel: (['a,b,c = 1,2,3', 'a,b,c = f()', '(a,b),c = f(),1'],
        ['a,b = b,a', '(a,b),c = f()', 'for a,b,c in d: pass', 'B,T,D = x.shape',
         'H,W,C = x.shape[1:]', "a,_,b = s.partition('.')"]),
    style.effects: (['if seen.add(a): pass', '[b.append(a) for a in c]', 'x = [a for a in b if not s.add(a)]',
         'x = a or b.pop()', 'a and f()', 'while q.pop(): pass', '{a: d.pop(a) for a in b}', 'assert s.pop()'],
        ['if a in seen: seen.add(a)', 'x = [f(a) for a in b]', 'd.update(a for a in b)', 'while q: q.pop()', 'f()']),
    style.returned: (['def f(): return 1,2,3', 'def f(): return (1,2,3) if a else 0'],
        ['def f(): return 1,2', 'def f(): return Three(1,2,3)', 'def backward(ctx): return 1,2,3',
         'def __reduce__(self): return 1,2,3', 'def f():\n    key = lambda o: (o,1,2)']),
    style.untyped: (['def f(): pass', 'class A:\n    def f(self): pass', 'if a:\n    async def f(): pass'],
        ['def f() -> None: pass', 'def _f(): pass', 'class _A:\n    def f(self): pass',
         'class A:\n    def __init__(self): pass', 'def f() -> None:\n    def g(): pass']),
    style.long: (['class A:\n    async def f(self):\n' + '        x = 1\n'*40], ['def f():\n' + '    x = 1\n'*39]),
    style.half_bars: (['dict(zip(a, tqdm(b)))', 'bar = tqdm(b)\nfor x,y in zip(a, bar): pass'],
        ['dict(tqdm(zip(a, b)))', 'zip(tqdm(a), b)']),
    style.unused: (['import os', 'from a import b as c\nb', 'def f():\n    import os\nos', 'import a.b as d\na'],
        ['import os\nos', 'from a import b as c\nc', 'import a.b\na.b', "from a import T\ndef f(x:'list[T]'): pass",
         'from __future__ import annotations', 'from a import *', 'def f():\n    import os\n    def g(): os']),
}

def test_style() -> None:
    "Every rule finds what breaks it and passes what does not"
    assert set(STYLE)==set(style.RULES)
    for rule, (broken, kept) in STYLE.items():
        for src in broken: assert list(rule(src, style.ast.parse(src))), (rule.__name__, src)
        for src in kept: assert not list(rule(src, style.ast.parse(src))), (rule.__name__, src)

def test_style_of_a_tree() -> None:
    "Modules and exported cells are read, in the folders asked for"
    with tempfile.TemporaryDirectory() as d:
        tree = Path(d)
        line = 'x = 1\n'
        cells = '#| export\n'+line*31, '#| export\n'+line*30, line*50
        write_nb(tree/'nbs'/'data'/'00_images.ipynb', *cells)
        (tree/'cir_nb'/'data').mkdir(parents=True)
        (tree/'cir_nb'/'data'/'images.py').write_text('import os\n')
        found = ['cir_nb/data/images.py:1: os is imported and not used',
            "nbs/data/00_images.ipynb: cell 'c0' exports 31 lines, at most 30"]
        assert style.check(tree)==style.check(tree, ('data',))==found and not style.check(tree, ('core',))

# Notebooks

def test_notebooks() -> None:
    "Sizes and outputs"
    error = dict(output_type='error', ename='E', evalue='', traceback=[])
    warning = dict(output_type='stream', name='stderr', text=['/home/me/lib.py: warning'])
    with tempfile.TemporaryDirectory() as d:
        nb = Path(d)/'a.ipynb'
        def fault(*srcs, **kw): return ' '.join(checks.notebook_faults(write_nb(nb, *srcs, **kw)))
        assert not fault('1+1')
        assert 'KB' in fault('x'*600_000)
        assert 'an error' in fault('1/0', outputs=[error])
        assert 'stderr' in fault('1', outputs=[warning])
        def shows(text): return dict(output_type='stream', name='stdout', text=[text])
        assert '/home/me' in fault('1', outputs=[shows('no run in /home/me/models.')])
        result = dict(output_type='execute_result', data={'text/plain': ["Path('/tmp/x1')"]})
        assert '/tmp/x1' in fault('1', outputs=[result])
        assert not fault('1', outputs=[shows('models/run, TMP/a, https://a.org/home/me')])
        assert 'widget' in fault('1', metadata=dict(widgets={}))

def test_fold() -> None:
    "Hidden cells are folded, others are not, and nothing else comes in"
    with tempfile.TemporaryDirectory() as d:
        nb = Path(d)/'nbs'/'a.ipynb'
        def faults(src, **jupyter):
            write_nb(nb, src, fold=dict(jupyter=jupyter) if jupyter else {})
            return checks.is_folded(Path(d), None)
        assert 'nbs/a.ipynb: cell' in faults('#| hide\n1')[0]
        assert faults('#| hide\n1', source_hidden=True, outputs_hidden=True)
        assert faults('1', source_hidden=True) and faults('#| hide_input\n1', source_hidden=True)
        assert not faults('#| export\n#| hide\n1', source_hidden=True) and not faults('1') and not faults('a\n#| hide')
        write_nb(nb, '#| hide\n1', '1')
        cells = json.loads(nb.read_text())['cells']
        assert fold.fold(cells) and not fold.fold(cells)
        assert [c['metadata'] for c in cells]==[dict(jupyter=fold.FOLDED), {}]

def test_run_all() -> None:
    "A cell that nbdev does not run is named"
    with tempfile.TemporaryDirectory() as d:
        def faults(src):
            write_nb(Path(d)/'nbs'/'a.ipynb', src)
            return checks.runs_whole(Path(d), None)
        assert faults('#| export\n#| eval: false\n1') and faults('#|eval:False\n1')
        assert not faults('1 # eval: false') and not faults('#| slow\n1')

# README's tables

def test_readme_tables() -> None:
    "A table is written between its comments; one that differs, has no source or no place is named"
    with tempfile.TemporaryDirectory() as d:
        readme = Path(d)/'README.md'
        def named(*names, source='a.ipynb'): # a table for each, all from one cell
            return [readme_tables.Table(n, source, readme_tables.kept_markdown('c0')) for n in names]
        def fault(*names, **kw): return ' '.join(readme_tables.faults(readme, named(*names, **kw)))
        shown = dict(output_type='display_data', data={'text/markdown': ['| a |\n', '|---|\n', '| 1 |\n']})
        write_nb(Path(d)/'a.ipynb', 'show()', outputs=[shown])
        write_nb(Path(d)/'empty.ipynb', 'show()')
        place = '<!-- table {0}: begin -->old<!-- table {0}: end -->\n'
        readme.write_text('above\n'+place.format('x')+place.format('y')+'below\n')
        assert 'table x: is not what a.ipynb says' in fault('x') and 'begin --> and' in fault('z')
        assert 'none.ipynb is not there' in fault('x', source='none.ipynb')
        assert "cell 'c0' keeps no Markdown" in fault('x', source='empty.ipynb')
        readme_tables.write(readme, named('x', 'y'))
        assert not fault('x', 'y')
        text = readme.read_text()
        assert text.count('| 1 |\n<!-- table')==2 and text.startswith('above\n') and text.endswith('below\n')
        readme_tables.write(readme, named('x', 'y'))
        assert readme.read_text()==text, 'written twice it is the same'
        readme.write_text(text+place.format('x'))
        assert 'once each' in fault('x')

# Trees

def test_compare() -> None:
    "Files that differ or are missing on a side"
    with tempfile.TemporaryDirectory() as d:
        a, b = Path(d)/'a', Path(d)/'b'
        for p in (a, b):
            (p/'m').mkdir(parents=True)
            (p/'m'/'x.py').write_text('1')
        assert not checks.differences(a, b)
        for f in (b/'m'/'x.py', a/'orphan.py', b/'new.py'): f.write_text('2')
        assert [o.split(':')[0] for o in checks.differences(a, b)]==['m/x.py', 'new.py', 'orphan.py']

def test_copy() -> None:
    "Data and environments stay behind"
    with tempfile.TemporaryDirectory() as d:
        a, b = Path(d)/'a', Path(d)/'b'
        for f in ('cir_nb/data/x.py', 'data/photo.jpg', '.venv/y', 'nbs/z.ipynb', 'nbs/__pycache__/z'):
            (a/f).parent.mkdir(parents=True, exist_ok=True)
            (a/f).write_text('')
        checks.copy_tree(a, b)
        found = sorted(layers.short(o, b) for o in b.rglob('*') if o.is_file())
        assert found==['cir_nb/data/x.py', 'nbs/z.ipynb']

# The programs

SUCCESS = '''Starting /t/nbs/a/00_x.ipynb
Starting /t/nbs/b/00_x.ipynb
- Completed /t/nbs/a/00_x.ipynb- Completed /t/nbs/b/00_x.ipynb

'''
FAILED = f'''{SUCCESS}

nbdev Tests Failed On The Following Notebooks:
==================================================
\t00_x.ipynb'''

def test_plain() -> None:
    "What nbdev_test says is counted, also where it dies"
    spec = importlib.util.spec_from_file_location('suite', Path(__file__).with_name('test.py')) # `test` is Python's own
    suite = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(suite)
    def count(text, status):
        res = suite.count_plain(text, status)
        return res[suite.PASS], res[suite.FAIL]
    assert count(SUCCESS+'\nSuccess.', 0)==(2, 0) and count(FAILED, 1)==(1, 1)
    assert count(SUCCESS, -9)==(2, 1) and count('', 1)==(0, 1)

def test_house() -> None:
    "Words of the old dialect are found where they are code"
    src = 'def see(x, bs=1): return rank_all(x).eyes\n"rank_all, see"\nsee = 1'
    assert sorted(w.old for w in house.words(src, 'a.py'))==['bs', 'eyes', 'rank_all', 'see']
    assert not list(house.words('look_at(x).order_by(y)', 'a.py'))

def test_docs() -> None:
    "The sidebar has the folders in their order"
    with tempfile.TemporaryDirectory() as d:
        for n in ('tutorials/01_a', 'retrieval/10_b', 'retrieval/02_c', 'core/00_core', 'reproduce/x'):
            write_nb(Path(d)/f'{n}.ipynb', '1')
        sections = docs.sections(Path(d))
        assert list(sections)==['tutorials', 'core', 'retrieval', 'reproduce']
        assert sections['retrieval']==['retrieval/02_c.ipynb', 'retrieval/10_b.ipynb']

def test_speed() -> None:
    "A number changed by hand is found, in README and in the file of speeds"
    readme = (speed.ROOT/'README.md').read_text(encoding='utf-8')
    measured = (speed.ROOT/speed.FILE).read_text(encoding='utf-8')
    table = speed.split(readme)[1]
    faster = re.sub(r'\d (m?s), ', r'9\g<0>', table, count=1)
    ratio = re.sub(r'"ratio": ', r'\g<0>9', measured, count=1)
    assert faster!=table and ratio!=measured
    samples = { # what a README and a file say, and what is said of them
        '': (readme, measured), 'its table of speed is not that of': (readme.replace(table, faster), measured),
        'something in it was changed by hand': (readme, ratio), 'is not valid JSON': (readme, measured[:999]),
        'has no table of speed': (readme.replace(speed.END, ''), measured)}
    with tempfile.TemporaryDirectory() as d:
        shutil.copytree(speed.ROOT/'nbs'/'bench', Path(d)/'nbs'/'bench')
        for why, (text, numbers) in samples.items():
            (Path(d)/'README.md').write_text(text, encoding='utf-8')
            (Path(d)/speed.FILE).write_text(numbers, encoding='utf-8')
            found = speed.faults(Path(d))
            assert len(found)==bool(why) and why in ''.join(found), (why, found)
        (Path(d)/'README.md').write_text(readme, encoding='utf-8')
        (Path(d)/speed.FILE).unlink()
        assert 'is not there' in speed.faults(Path(d))[0]

def run() -> list:
    "Every test above; one line for each that fails"
    bad = []
    for name, test in list(globals().items()):
        if not name.startswith('test_'): continue
        try: test()
        except AssertionError as e: bad.append(f'{name}, line {e.__traceback__.tb_next.tb_lineno}: {e}')
    return bad

if __name__=='__main__': print(*(run() or ['passed']), sep='\n')
