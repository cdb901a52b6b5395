"""The whole suite: the checks on the tree, then every notebook with nbdev's own test rules.
It works on a copy of the checkout, so neither your unsaved work nor your data folder is touched."""
import argparse, importlib, multiprocessing as mp, os, re, signal, sys, tempfile, time, traceback
from multiprocessing.connection import wait
from pathlib import Path
import checks

ROOT = Path(__file__).resolve().parents[1]
PASS, FAIL, SKIP = 40, 41, 42 # exit statuses that a notebook does not end with by accident
OFFLINE = dict(HF_HUB_OFFLINE='1', TRANSFORMERS_OFFLINE='1', HF_DATASETS_OFFLINE='1', WANDB_MODE='disabled', DO_NOT_TRACK='1',
    GRADIO_ANALYTICS_ENABLED='False', HF_HUB_DISABLE_TELEMETRY='1', OMP_NUM_THREADS='1', MKL_NUM_THREADS='1', TOKENIZERS_PARALLELISM='false')

def say(*o): print(*o, flush=True)

def run_checks(tree, tmp):
    "Every check by name; (passed, failed)"
    count = [0, 0]
    for name, check in checks.CHECKS.items():
        start = time.time()
        try: faults = check(tree, checks.copy_tree(tree, Path(tempfile.mkdtemp(dir=tmp))))
        except Exception: faults = traceback.format_exc().strip().splitlines()
        count[bool(faults)] += 1
        say(f"{'FAILED' if faults else 'passed'}  {time.time()-start:6.1f} s  {name}")
        for o in faults: say(f'    {o}')
    return count

def notebooks(flags):
    "The notebooks to run, those that take longest first: what trains, then from the top layer down"
    from nbdev.doclinks import nbglob
    from nbdev.test import _keep_file
    nbs = [f.absolute() for f in nbglob(as_path=True) if _keep_file(f, '.notest')]
    if flags: nbs = [f for f in nbs if any(re.search(rf'#\|\s*{o}\b', f.read_text(encoding='utf-8')) for o in flags)]
    return sorted(nbs, key=lambda f: (f.name[0].isdigit(), [-int(o) for o in re.findall(r'^\d+', f.name)], f.name))

def child(nb, flags, log):
    "Test one notebook in a process of its own, all it says into `log`"
    os.setsid()
    for fd in (1, 2): os.dup2(os.open(log, os.O_WRONLY|os.O_CREAT|os.O_APPEND), fd)
    from nbdev.config import get_config
    from nbdev.test import test_nb
    ok, secs = test_nb(nb, skip_flags=get_config().tst_flags.split(), force_flags=flags, basepath=get_config().config_path)
    sys.stdout.flush(); sys.stderr.flush()
    os._exit(FAIL if not ok else PASS if secs else SKIP)

def preload():
    "Import what every notebook imports, once, before the processes part"
    for o in ('nbdev.test', 'torch', 'torchvision', 'PIL.Image', 'numpy', 'pandas', 'matplotlib.pyplot'):
        try: importlib.import_module(o)
        except ImportError as e: say(f'{o} does not import: {e}')

def report(nb, code, secs, log, limit):
    say(f"{ {PASS:'passed',SKIP:'skipped'}.get(code, 'FAILED') }  {secs:6.1f} s  {nb.relative_to(Path.cwd())}")
    if code in (PASS, SKIP): return
    if code!=FAIL: say('    ended by ' + (f'signal {-code}' if code<0 else f'exit status {code}') + (f' after {limit} s' if secs>=limit else ''))
    for o in (log.read_text(errors='replace') if log.exists() else '').strip().splitlines()[-40:]: say(f'    {o}')

def run_notebooks(nbs, flags, workers, limit, tmp):
    "Each notebook in a fresh process, `workers` at a time; exit codes"
    ctx = mp.get_context('fork' if sys.platform=='linux' else 'spawn')
    todo, live, codes = list(nbs), {}, []
    while todo or live:
        while todo and len(live)<workers:
            nb, log = todo.pop(0), Path(tmp)/f'{len(todo)}.log'
            p = ctx.Process(target=child, args=(nb, flags, log)); p.start()
            live[p.sentinel] = p, nb, log, time.time()
        for p, *_, start in live.values():
            if time.time()-start>limit: os.killpg(p.pid, signal.SIGKILL)
        for s in wait(list(live), timeout=5):
            p, nb, log, start = live.pop(s)
            p.join(); codes.append(p.exitcode)
            report(nb, p.exitcode, time.time()-start, log, limit)
    return codes

def settle(tmp):
    "The surroundings every notebook gets: no network, one thread, data and runs in folders of this run, the copy first on the path"
    os.environ.update(OFFLINE)
    os.environ.setdefault('CIR_DATA', str(Path(tmp)/'data'))
    os.environ.setdefault('CIR_CACHE', str(Path(tmp)/'features'))
    if (ROOT.parent/'shared').is_dir(): os.environ.setdefault('CIR_SHARED', str(ROOT.parent/'shared'))
    tree = checks.copy_tree(ROOT, Path(tmp)/'tree')
    os.environ['CIR_MODELS'] = str(tree/'models')
    os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, [str(tree), os.environ.get('PYTHONPATH')]))
    os.chdir(tree)
    return tree

def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('--notebooks', action='store_true', help='only the notebooks, not the checks on the tree')
    ap.add_argument('--checks', action='store_true', help='only the checks on the tree')
    ap.add_argument('--flags', nargs='+', default=[], help='run the notebooks that have cells with these flags, and those cells too')
    ap.add_argument('--workers', type=int, default=2)
    ap.add_argument('--limit', type=int, default=900, help='seconds a notebook may take')
    opt, start = ap.parse_args(), time.time()
    with tempfile.TemporaryDirectory(prefix='cir_nb-') as tmp:
        tree = settle(Path(tmp).resolve())
        passed, failed = (0, 0) if opt.notebooks or opt.flags else run_checks(tree, tmp)
        nbs = [] if opt.checks else notebooks(opt.flags)
        if nbs: preload()
        codes = run_notebooks(nbs, opt.flags, opt.workers, opt.limit, tmp)
        os.chdir(ROOT)
    skipped = codes.count(SKIP)
    passed, failed = passed+codes.count(PASS), failed+len(codes)-codes.count(PASS)-skipped
    say(f'Notebooks: {len(codes)}, Python {sys.version.split()[0]}, {time.time()-start:.0f} s in all')
    say(f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else ''))
    sys.exit(failed>0)

if __name__=='__main__': main()
