"Run notebooks in place by nbdev's rules, keep their outputs, and clean them: python .ci/run_nb.py nbs/70_viz.ipynb [--flags slow]"
import argparse, os, sys
from pathlib import Path
from execnb.nbio import write_nb
from execnb.shell import CaptureShell
from fastcore.xtras import working_directory
from nbdev.clean import nbdev_clean
from nbdev.config import get_config
from nbdev.process import NBProcessor

def run_nb(fn, flags=()):
    fn, cfg = Path(fn).resolve(), get_config()
    skip = set(cfg.tst_flags.split())-set(flags)
    nb = NBProcessor(fn, rm_directives=False, process=True).nb
    def left_out(c):
        if c.cell_type!='code' or 'nbdev_export'+'(' in c.source: return True
        d = getattr(c, 'directives_', {}) or {}
        if d.get('eval:', [''])[0].lower()=='false' or skip & d.keys(): return True
        c.outputs = [] # a cell that shows nothing any more would keep what it showed before
    shell = CaptureShell(fn)
    try:
        with working_directory(fn.parent): shell.run_all(nb, exc_stop=True, preproc=left_out)
    except Exception: sys.exit(shell.prettytb(fn)+f'{fn.name} is left as it was.')
    for c in nb.cells: # bars and warnings, with the paths of this machine in them, teach nobody
        if c.cell_type=='code': c.outputs = [o for o in c.outputs if o.get('name')!='stderr']
    write_nb(nb, fn)
    nbdev_clean(str(fn))

if __name__=='__main__':
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('notebook', nargs='+')
    ap.add_argument('--flags', nargs='+', default=[], help='run cells with these flags too')
    opt, os.environ['IN_TEST'] = ap.parse_args(), '1'
    sys.path.insert(0, str(get_config().config_path))
    for fn in opt.notebook: run_nb(fn, opt.flags)
