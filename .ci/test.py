"""The whole suite: the checks on the tree, then every notebook with nbdev's own test rules.
It works on a copy of the checkout, so neither your unsaved work nor your data folder is touched."""
import argparse, importlib, os, re, signal, subprocess, sys, tempfile, threading, time, traceback
import multiprocessing as mp
from collections import Counter
from multiprocessing.connection import wait
from pathlib import Path
from typing import NamedTuple
import checks, layers

ROOT = Path(__file__).resolve().parents[1]
PASS = 'passed'
FAIL = 'FAILED'
SKIP = 'skipped'
STATUS = {PASS: 40, FAIL: 41, SKIP: 42} # exit statuses that a notebook does not end with by accident
OFFLINE = dict(HF_HUB_OFFLINE='1', TRANSFORMERS_OFFLINE='1', HF_DATASETS_OFFLINE='1', HF_HUB_DISABLE_TELEMETRY='1',
    WANDB_MODE='disabled', DO_NOT_TRACK='1', GRADIO_ANALYTICS_ENABLED='False')
ONE_THREAD = dict(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1', TOKENIZERS_PARALLELISM='false')
PRELOADED = ('nbdev.test', 'torch', 'torchvision', 'PIL.Image', 'numpy', 'pandas', 'matplotlib.pyplot')
LAST_LINES = 40 # of what a failed notebook said

def say(*o) -> None: print(*o, flush=True)

def say_result(result:str, secs:float, name:str, details:list=()) -> None:
    "One line for a check or a notebook, and what it said below"
    say(f'{result}  {secs:6.1f} s  {name}')
    for o in details: say(f'    {o}')

# The checks

def run_checks(tree:Path, tmp:str) -> Counter:
    "Every check by name; how many passed and failed"
    count = Counter()
    for name, check in checks.CHECKS.items():
        start = time.time()
        try: faults = check(tree, checks.copy_tree(tree, Path(tempfile.mkdtemp(dir=tmp))))
        except Exception: faults = traceback.format_exc().strip().splitlines()
        result = FAIL if faults else PASS
        count[result] += 1
        say_result(result, time.time()-start, name, faults)
    return count

# Every notebook in a process of its own

class Running(NamedTuple):
    "A notebook that is being tested"
    process:mp.Process
    nb:Path
    log:Path # all it says
    start:float

def layer(nb:Path) -> tuple:
    "Where a notebook stands in the order: what has no layer comes last"
    room, _ = layers.place(nb, Path.cwd()/'nbs')
    return layers.LAYERS.index(room) if room in layers.LAYERS else len(layers.LAYERS), nb.name

def notebooks(flags:list) -> list:
    "The notebooks to run, those that take longest first: tutorials and reproductions, then from the last layer down"
    from nbdev.doclinks import nbglob
    from nbdev.test import _keep_file
    nbs = [f.absolute() for f in nbglob(as_path=True) if _keep_file(f, '.notest')]
    def flagged(nb): return any(re.search(rf'#\|\s*{o}\b', nb.read_text(encoding='utf-8')) for o in flags)
    return sorted((f for f in nbs if not flags or flagged(f)), key=layer, reverse=True)

def child(nb:Path, flags:list, log:Path) -> None:
    "Test one notebook, all it says into `log`"
    os.setsid()
    for fd in (1, 2): os.dup2(os.open(log, os.O_WRONLY|os.O_CREAT|os.O_APPEND), fd)
    from nbdev.config import get_config
    from nbdev.test import test_nb
    cfg = get_config()
    ok, secs = test_nb(nb, skip_flags=cfg.tst_flags.split(), force_flags=flags, basepath=cfg.config_path)
    sys.stdout.flush()
    sys.stderr.flush()
    if not ok: os._exit(STATUS[FAIL])
    os._exit(STATUS[PASS] if secs else STATUS[SKIP])

def preload() -> None:
    "Import what every notebook imports, once, before the processes part"
    for o in PRELOADED:
        try: importlib.import_module(o)
        except ImportError as e: say(f'{o} does not import: {e}')

def report(o:Running, limit:int) -> str:
    "Say how a notebook ended; its result"
    code, secs = o.process.exitcode, time.time()-o.start
    result = next((r for r, status in STATUS.items() if status==code), FAIL)
    details = []
    if code not in STATUS.values():
        ended = f'signal {-code}' if code<0 else f'exit status {code}'
        details.append(f'ended by {ended}' + (f' after {limit} s' if secs>=limit else ''))
    if result==FAIL and o.log.exists(): details += o.log.read_text(errors='replace').strip().splitlines()[-LAST_LINES:]
    say_result(result, secs, layers.short(o.nb, Path.cwd()/'nbs'), details)
    return result

def run_notebooks(nbs:list, flags:list, workers:int, limit:int, tmp:str) -> Counter:
    "Each notebook in a fresh process, `workers` at a time"
    ctx = mp.get_context('fork' if sys.platform=='linux' else 'spawn')
    todo, live = list(nbs), {}
    count = Counter()
    while todo or live:
        while todo and len(live)<workers:
            nb = todo.pop(0)
            log = Path(tmp)/f'{len(todo)}.log'
            p = ctx.Process(target=child, args=(nb, flags, log))
            p.start()
            live[p.sentinel] = Running(p, nb, log, time.time())
        for o in live.values():
            if time.time()-o.start>limit: os.killpg(o.process.pid, signal.SIGKILL)
        for sentinel in wait(list(live), timeout=5):
            ended = live.pop(sentinel)
            ended.process.join()
            count[report(ended, limit)] += 1
    return count

# Every notebook by plain nbdev_test

COMPLETED = re.compile(r'- Completed \S+?\.ipynb') # with or without success; two processes may write into one line
FENCE = 'nbdev Tests Failed On The Following Notebooks:'

ONE_EACH = f'''
import concurrent.futures.process as futures, multiprocessing, sys
begin, server = futures.ProcessPoolExecutor.__init__, multiprocessing.get_context('forkserver')
server.set_forkserver_preload({list(PRELOADED)})
def one_each(self, *args, **kw): begin(self, *args, **dict(kw, mp_context=server, max_tasks_per_child=1))
if sys.version_info>=(3,11): futures.ProcessPoolExecutor.__init__ = one_each
''' # before nbdev_test, whose processes would else go from notebook to notebook

def count_plain(text:str, status:int) -> Counter:
    "What nbdev_test says, counted: it names every notebook it completes, and at the end those that failed"
    completed = len(COMPLETED.findall(text))
    _, _, end = text.partition(FENCE)
    failed = end.count('.ipynb')
    if status and not failed: return Counter({PASS: completed, FAIL: 1}) # it died on the way
    return Counter({PASS: completed-failed, FAIL: failed})

def run_plain(workers:int, limit:int) -> Counter:
    "Every notebook by nbdev_test itself, in a process of its own: what one registers no other finds"
    code = f'{ONE_EACH}\nfrom nbdev.test import nbdev_test\nnbdev_test(n_workers={workers}, do_print=True)'
    say(f'nbdev_test --n_workers {workers} --do_print')
    start, lines = time.time(), []
    p = subprocess.Popen([sys.executable, '-u', '-c', code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors='replace', start_new_session=True)
    end = threading.Timer(limit, os.killpg, (p.pid, signal.SIGKILL))
    end.start()
    for line in p.stdout:
        lines.append(line)
        say(f'{time.time()-start:8.1f} s  {line.rstrip()}')
    status = p.wait()
    end.cancel()
    if status<0: say(f'nbdev_test was ended by signal {-status} after {time.time()-start:.0f} s, of at most {limit}')
    return count_plain(''.join(lines), status)

# The whole

def surround(tmp:Path, plain:bool) -> Path:
    """A copy of the checkout, first on the path, with data and runs in folders of this run, and one thread a process

    Libraries are told to stay offline, but not with `plain`: notebooks know that for themselves."""
    os.environ.update(ONE_THREAD if plain else {**ONE_THREAD, **OFFLINE})
    os.environ.setdefault('CIR_DATA', str(tmp/'data'))
    os.environ.setdefault('CIR_CACHE', str(tmp/'features'))
    if (ROOT.parent/'shared').is_dir(): os.environ.setdefault('CIR_SHARED', str(ROOT.parent/'shared'))
    tree = checks.copy_tree(ROOT, tmp/'tree')
    os.environ['CIR_MODELS'] = str(tree/'models')
    os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, [str(tree), os.environ.get('PYTHONPATH')]))
    os.chdir(tree)
    return tree

def options() -> argparse.Namespace:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('--notebooks', action='store_true', help='only the notebooks, not the checks on the tree')
    ap.add_argument('--checks', action='store_true', help='only the checks on the tree')
    ap.add_argument('--plain', action='store_true', help='only the notebooks, by nbdev_test as it is')
    ap.add_argument('--flags', nargs='+', default=[], help='only notebooks with cells of these flags; run those too')
    ap.add_argument('--workers', type=int, default=2)
    ap.add_argument('--limit', type=int, default=900, help='seconds a notebook may take')
    ap.add_argument('--plain-limit', type=int, default=1800, help='seconds that --plain may take in all')
    return ap.parse_args()

def main() -> None:
    opt, start = options(), time.time()
    count = Counter()
    with tempfile.TemporaryDirectory(prefix='cir_nb-') as tmp:
        tree = surround(Path(tmp).resolve(), opt.plain)
        if not (opt.notebooks or opt.plain or opt.flags): count += run_checks(tree, tmp)
        if opt.plain: count += run_plain(opt.workers, opt.plain_limit)
        elif not opt.checks:
            preload()
            count += run_notebooks(notebooks(opt.flags), opt.flags, opt.workers, opt.limit, tmp)
        os.chdir(ROOT)
    say(f'Python {sys.version.split()[0]}, {time.time()-start:.0f} s in all')
    say(f'{count[PASS]} passed, {count[FAIL]} failed' + (f', {count[SKIP]} skipped' if count[SKIP] else ''))
    sys.exit(count[FAIL]>0)

if __name__=='__main__': main()
