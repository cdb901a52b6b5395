"""README's table of speed, made from the file that `cir bench --json` wrote: python .ci/speed.py

With --check it only says whether the table is that of the file, exit 1 if it is not.
The file is nbs/bench/speed.json, the table stands between two comments, and both carry the digest of the file."""
import sys
from pathlib import Path
import layers

ROOT = Path(__file__).resolve().parents[1]
FILE = 'nbs/bench/speed.json'
BEGIN = '<!-- speed: made by python .ci/speed.py'
END = '<!-- speed: end -->'

def links(nbs:Path) -> dict:
    "The notebook of each module of benches"
    cells = ((nb, layers.source(c)) for nb in nbs.glob('bench/*.ipynb') for c in layers.code_cells(nb))
    found = ((nb, layers.DEFAULT.search(src)) for nb, src in cells)
    return {f'{layers.PACKAGE}.{m[1]}': f'nbs/bench/{nb.name}' for nb, m in found if m}

def block(root:Path) -> str:
    "What stands between the comments, with them"
    sys.path.insert(0, str(ROOT))
    from cir_nb.bench.runner import module_of
    from cir_nb.bench.speed_file import read_speed, to_markdown
    speed, notebooks = read_speed(root/FILE), links(root/'nbs')
    table = to_markdown(speed, lambda name: f'[{name}]({notebooks[module_of(name)]})')
    return f'{BEGIN} from {FILE}, {speed.digest} -->\n{table}\n{END}'

def split(readme:str) -> list:
    "The text before the table, the table with its comments, and the text behind; ValueError where it is not there once"
    if not readme.count(BEGIN)==readme.count(END)==1 or readme.index(END)<readme.index(BEGIN):
        raise ValueError(f'README.md has no table of speed: {BEGIN} ... --> and {END} must stand in it once, in this order')
    before, rest = readme.split(BEGIN)
    inside, behind = rest.split(END)
    return [before, BEGIN+inside+END, behind]

def faults(root:Path) -> list:
    "One line where the table is not what the file says, or the file not what was measured"
    try: found, made = split((root/'README.md').read_text(encoding='utf-8'))[1], block(root)
    except (ValueError, OSError, LookupError) as e: return [str(e).replace(f'{root}/', '')]
    if found==made: return []
    pairs = zip(found.splitlines(), made.splitlines())
    odd = next((f'has {a[:90]!r}, not {b[:90]!r}' for a, b in pairs if a!=b), 'has more lines or fewer')
    return [f'README.md: its table of speed is not that of {FILE}: it {odd}; `python .ci/speed.py` makes it so']

def main() -> None:
    if '--check' in sys.argv[1:]:
        found = faults(ROOT)
        print(*found, sep='\n')
        sys.exit(bool(found))
    readme = ROOT/'README.md'
    try:
        parts = split(readme.read_text(encoding='utf-8'))
        text = ''.join([parts[0], block(ROOT), parts[2]])
    except (ValueError, OSError, LookupError) as e: sys.exit(str(e))
    readme.write_text(text, encoding='utf-8')

if __name__=='__main__': main()
