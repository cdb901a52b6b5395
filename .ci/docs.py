"""Build the documentation site with Quarto, through nbdev, into _docs: python .ci/docs.py

It works on a copy of the checkout. Folders stand in the sidebar in their declared order; README, CONTRIBUTING and
DOWNLOAD become pages, README the first one. `--ready` only asks whether Quarto is there."""
import importlib, os, re, shutil, subprocess, sys, tempfile
from configparser import ConfigParser
from pathlib import Path
import checks, layers

ROOT = Path(__file__).resolve().parents[1]
PAGES = {'README.md': 'index.md', 'CONTRIBUTING.md': 'CONTRIBUTING.md', 'DOWNLOAD.md': 'DOWNLOAD.md'}
ORDER = ['tutorials', *layers.LAYERS, 'reproduce'] # a reader begins with the tutorials
LINK = re.compile(r'\]\((?!\w+:|#)([^)#\s]+)')
MISSING = 'Quarto is not installed, and the documentation is built with it: https://quarto.org/docs/get-started'

def sections(nbs:Path) -> dict:
    "Folder -> its notebooks, both in their order"
    rooms = [r for r in ORDER if (nbs/r).is_dir()]
    return {r: [layers.short(nb, nbs) for nb in layers.notebooks(nbs/r)] for r in rooms}

def sidebar(nbs:Path) -> str:
    "What Quarto reads as sidebar.yml"
    import yaml # comes with nbdev
    rooms = [dict(section=r, contents=pages) for r, pages in sections(nbs).items()]
    contents = [*PAGES.values(), *rooms]
    return yaml.safe_dump(dict(website=dict(sidebar=dict(contents=contents))), sort_keys=False)

def relink(text:str, tree:Path, url:str) -> str:
    "The links of a page at the root, as they are on the site; what is not on it is on the code host"
    def target(m):
        to = m[1]
        if to in PAGES: to = PAGES[to]
        elif to.startswith('nbs/') and (tree/to).is_file(): to = to[len('nbs/'):]
        else: to = f'{url}/{to}'
        return f']({to}'
    return LINK.sub(target, text)

def write_pages(tree:Path) -> None:
    "Put the sidebar and the pages at the root among the notebooks, and mend what points at them"
    cfg = ConfigParser(delimiters=['='])
    cfg.read(tree/'settings.ini', encoding='utf-8')
    url = f"{cfg['DEFAULT']['git_url']}/blob/{cfg['DEFAULT']['branch']}"
    nbs = tree/'nbs'
    for name, page in PAGES.items():
        (nbs/page).write_text(relink((tree/name).read_text(encoding='utf-8'), tree, url), encoding='utf-8')
    for nb in layers.notebooks(nbs):
        text = nb.read_text(encoding='utf-8')
        for name, page in PAGES.items(): text = text.replace(f'](../../{name}', f'](../{page}')
        nb.write_text(text, encoding='utf-8')
    (nbs/'styles.css').touch() # nbdev's settings for Quarto name it
    (nbs/'sidebar.yml').write_text(sidebar(nbs), encoding='utf-8')

def build() -> None:
    """nbdev_docs, in the folder of a checkout; what documents a symbol takes it from the package

    nbdev itself would run every cell that exports or imports something, up to the signature it shows, and miss the
    cells in between and the classes further down. Outputs are kept in the notebooks, so nothing else needs to run."""
    from nbdev import doclinks, processors, quarto
    line_in = doclinks._lineno
    def line_of(symbol, file): return line_in(symbol.removeprefix(file[:-len('.py')].replace('/', '.')+'.'), file)
    class DocsFromPackage(processors.exec_show_docs):
        def begin(self):
            super().begin()
            for module in (o for c in self.nb.cells for o in getattr(c, 'directives_', {}).get('default_exp', [])):
                self.k.user_ns.update(vars(importlib.import_module(f'{layers.PACKAGE}.{module}')))
    doclinks._lineno = line_of # it looks for plain names, and symbols of a package have whole ones
    processors.exec_show_docs = DocsFromPackage
    processors._do_eval = lambda cell: cell.cell_type=='code' and processors._show_docs(cell.parsed_())
    quarto.nbdev_docs(n_workers=0) # other processes would not know

def main() -> None:
    if not shutil.which('quarto'): sys.exit(MISSING)
    if '--ready' in sys.argv[1:]: return
    with tempfile.TemporaryDirectory(prefix='cir_nb-docs-') as tmp:
        tree = checks.copy_tree(ROOT, Path(tmp).resolve()/'tree')
        write_pages(tree)
        res = subprocess.run([sys.executable, '-c', 'import docs; docs.build()'], cwd=tree,
            env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(tree), str(tree/'.ci')])})
        if res.returncode or not (tree/'_docs').is_dir(): sys.exit('No site was built; what went wrong stands above')
        shutil.rmtree(ROOT/'_docs', ignore_errors=True)
        shutil.copytree(tree/'_docs', ROOT/'_docs')
    print(f"The site is in {ROOT/'_docs'}")

if __name__=='__main__': main()
