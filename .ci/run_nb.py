"Run notebooks in place by nbdev's rules, and keep, clean and fold them: python .ci/run_nb.py nbs/analysis/00_viz.ipynb"
import argparse, os, re, sys, tempfile
from pathlib import Path
from execnb.nbio import write_nb
from execnb.shell import CaptureShell
from fastcore.xtras import working_directory
from nbdev.clean import nbdev_clean
from nbdev.config import get_config
from nbdev.process import NBProcessor
from fold import fold

def without_places(value, tree:str) -> object:
    "What a cell shows, with paths below the project, and others for temporary folders"
    if isinstance(value, dict): return {k: without_places(v, tree) for k, v in value.items()}
    if isinstance(value, list): return [without_places(v, tree) for v in value]
    if not isinstance(value, str): return value
    return re.sub(re.escape(tempfile.gettempdir())+r'/[\w-]+', 'TMP', value.replace(f'{tree}/', ''))

def run_nb(fn:str, flags:tuple=()) -> None:
    "Run a notebook and write what its cells show; where one fails the file stays as it was"
    path, cfg = Path(fn).resolve(), get_config()
    skip = set(cfg.tst_flags.split())-set(flags)
    nb = NBProcessor(path, rm_directives=False, process=True).nb
    def left_out(c):
        if c.cell_type!='code' or 'nbdev_export'+'(' in c.source: return True
        found = getattr(c, 'directives_', {}) or {}
        if found.get('eval:', [''])[0].lower()=='false' or skip & found.keys(): return True
        c.outputs = [] # a cell that shows nothing any more would keep what it showed before
        return False
    shell = CaptureShell(path)
    try:
        with working_directory(path.parent): shell.run_all(nb, exc_stop=True, preproc=left_out)
    except Exception: sys.exit(shell.prettytb(path)+f'{fn} is left as it was.')
    for c in nb.cells: # bars and warnings, with the paths of this machine in them, teach nobody
        if c.cell_type!='code': continue
        c.outputs = [without_places(o, str(cfg.config_path)) for o in c.outputs if o.get('name')!='stderr']
    fold(nb.cells)
    write_nb(nb, path)
    nbdev_clean(str(path))

if __name__=='__main__':
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('notebook', nargs='+')
    ap.add_argument('--flags', nargs='+', default=[], help='run cells with these flags too')
    opt = ap.parse_args()
    os.environ['IN_TEST'] = '1'
    sys.path.insert(0, str(get_config().config_path))
    for fn in opt.notebook: run_nb(fn, opt.flags)
