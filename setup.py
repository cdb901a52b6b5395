"Everything that is said about this package stands in settings.ini"
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

here = Path(__file__).resolve().parent
ini = ConfigParser(delimiters=['='])
ini.read(here/'settings.ini', encoding='utf-8')
cfg = ini['DEFAULT']

def lines(key): return [o.strip() for o in cfg.get(key, '').splitlines() if o.strip()]

setup(
    name=cfg['lib_name'], version=cfg['version'], description=cfg['description'], keywords=cfg['keywords'],
    author=cfg['author'], author_email=cfg['author_email'], url=cfg['git_url'], license='Apache-2.0',
    long_description=(here/'README.md').read_text(encoding='utf-8'), long_description_content_type='text/markdown',
    classifiers=[f'Programming Language :: Python :: {v}' for v in cfg['python_versions'].split()],
    packages=find_packages(include=[cfg['lib_path'], cfg['lib_path']+'.*']),
    package_data={cfg['lib_path']: ['*/*.csv', '*/static/*']},
    python_requires='>='+cfg['min_python'], install_requires=lines('requirements'),
    extras_require={k[:-len('_requirements')]: lines(k) for k in cfg if k.endswith('_requirements')},
    entry_points=dict(console_scripts=lines('console_scripts'), nbdev=[f"{cfg['lib_name']}={cfg['lib_path']}._modidx:d"]),
)
