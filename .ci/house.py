"""The house in numbers, to be quoted: python .ci/house.py

Rooms (modules), arrows between folders, wide lines, missing types, and what is left of the old dialect. Words are
looked for in identifiers, not in prose: in the package, and in the cells of notebooks that are not exported.
It fails only where an arrow is against the order."""
import ast, sys
from collections import Counter
from pathlib import Path
from typing import Iterator, NamedTuple
import layers, style

# Old word -> the field's, by where an identifier of that name can only be the old word.
# Wherever it stands
ANYWHERE = dict(o.split(':') for o in '''
    VOICES:TEXT_VIEWS voices:text_views rank_all:retrieve Seen:EmbeddingBuffer Kept:CachedRows
    Features:FeatureCache Pixels:PixelCache asker:reference_encoder judged:score_block
    judge_again:rerank_with_report Second:RerankReport places_of:rerank_depth first_places:retrieve_candidates
    wrong_places:mine_hard_negatives TwoStages:Pipeline two_stages:Pipeline Found:SearchResult
    count_ahead:exact_ranks paired_test:mcnemar_test answer_ranks:target_rank subset_ranks:subset_target_rank
    Pictures:ImageRows fitting:images_for full_batches:num_batches faults_kept:problems
    mask_twins:mask_duplicate_targets pics:images settle_in:init_run_dir load_first:load_retriever
    second_towers:init_reranker_backbone Directions:BidirectionalConfig Look:BertAttention
    AddNorm:BertSelfOutput Widen:BertIntermediate reread:feed_forward_query Places:PackedBatch
    Pieces:WordPieceTokenizer Words:WordTokenizer bert_pieces:bert_tokenizer
    resize_positions:resample_abs_pos_embed Prep:ImageTransform Collected:Stub Reader:RestrictedUnpickler
    hollow:is_malformed Account:KeyReport RerankingJudge:CandidateReranker Reranking:CandidateReranking
    Desk:DemoService Dead:PermanentError Again:RetryableError Fetched:FetchResult Given:IdentityBackbone
    Within:Bounds eyes_key:feature_key sees_alike:feature_key eyes:visual looks:image_tokens say_once:warn_once
    said_cut:warn_truncated show_found:show_result answers_to:targets_of twostream:two_stream'''.split())
# As an attribute, argument, field, function or class
MEMBER = dict(o.split(':') for o in '''
    see:encode_image fuse:encode_multimodal prep:preprocess ask:encode_queries judge:similarity_scorer
    once:precompute_scores settle:resolve_missing without:drop_images fault:problems answer:relevant
    bs:batch_size tau:temperature horizon:schedule_epochs accumulate:gradient_accumulation_steps acc:accelerator
    remember:attach_feature_cache towers:init_from hard:hard_negatives ranks:target_ranks order:indices
    chances:sample_in_batch_negatives heard:text_views inert:unpickle trouble:show_error'''.split())
# As an argument, field, function or class
DEFINITION = dict(o.split(':') for o in '''
    head:stable_topk measure:compute_metrics scored:per_query_metrics interval:confidence_interval vectors:embed
    ahead:prefetch plan:epoch_plan warmup:warmup_ratio div:div_factor workers:num_workers
    precision:mixed_precision room:max_bytes budget:max_elements note:desc off:hint claim:check_run_dir
    finish:finalize_run fill:load_pretrained mark:add_direction_token back:reverse_scores laid:unpack
    folds:use_folded_projections gather:read_parts account:match_keys prepared:query_blocks dealt:assign_splits
    unknown:oov'''.split())
VOCABULARY = {**ANYWHERE, **MEMBER, **DEFINITION}

class Allowed(NamedTuple):
    "An old word that is right where it stands"
    word:str
    where:str # a path begins with it
    reason:str

ALLOWED = [
    Allowed('interval', 'cir_nb/retrieval/metrics', 'the field of Metrics, as saved in runs'),
    Allowed('answer', 'cir_nb/data/download', 'what a server answers'),
    Allowed('answer', 'cir_nb/demo', 'what the page shows for a search'),
    Allowed('answer', 'nbs/demo', 'what the page shows for a search'),
    Allowed('back', 'cir_nb/synthetic', 'the back of a garment'),
    Allowed('folds', 'cir_nb/synthetic', 'folds of a skirt'),
    Allowed('looks', 'cir_nb/synthetic', 'the verb of a caption'),
    Allowed('head', 'cir_nb/bench/rerank', "a re-ranker's linear head"),
    Allowed('head', 'cir_nb/methods/bi_blip4cir', 'the text projection, a setting of runs'),
    Allowed('fault', 'cir_nb/integrity', 'a kind of finding of the doctor'),
    Allowed('fault', 'nbs/integrity', 'a kind of finding of the doctor'),
    Allowed('fill', 'cir_nb/data/features', 'fills the store'),
    Allowed('fill', 'cir_nb/data/transforms', "Pillow's name of a padding's colour"),
    Allowed('fill', 'nbs/backbones/04_vit', "NumPy's and Matplotlib's word"),
    Allowed('measure', 'cir_nb/commands/eval', 'the steps of the command, of which `compute_metrics` is one'),
    Allowed('measure', 'cir_nb/training/callbacks', 'one validation; `compute_metrics` is one step of it'),
    Allowed('note', 'cir_nb/parity', 'a remark beside a value'),
    Allowed('once', 'nbs/data/23_fashion200k_pairs', 'a run of a loop that is timed'),
    Allowed('order', 'cir_nb/retrieval/topk', 'a field of top-k files that exist'),
    Allowed('order', 'cir_nb/training/learner', "when a callback's turn is"),
    Allowed('order', 'nbs/retrieval/01_metrics', 'an order, of no ranking'),
    Allowed('precision', 'cir_nb/demo', "Gradio's name for decimals"),
    Allowed('precision', 'nbs/data/05_features', 'the old spelling, which a test reads'),
    Allowed('ranks', 'cir_nb/retrieval/topk', 'a field of top-k files that exist'),
    Allowed('ranks', 'cir_nb/integrity/missing', 'ranks among the images that are there, no field of a Ranking'),
    Allowed('ranks', 'cir_nb/retrieval/ranking', 'ranks of any positions, before they are those of targets'),
    Allowed('scored', 'cir_nb/retrieval/ranking', 'scores of candidates, a local function'),
    Allowed('scored', 'nbs/retrieval/07_rerank_report', 'scores of candidates, a local function'),
    Allowed('trouble', 'cir_nb/data/images', 'why an image cannot be read'),
    Allowed('unknown', 'cir_nb/commands/verify', 'cases of no known kind'),
    Allowed('without', 'nbs/analysis', 'recall of the other queries'),
    Allowed('head', 'cir_nb/data', 'the first bytes of a file, or the first line of a table'),
    Allowed('note', 'cir_nb/demo', 'a line in the log'),
    Allowed('ask', 'nbs/demo', 'a request of a test'),
    Allowed('towers', 'cir_nb/models/reranker', 'the backbone of a retriever, as a recipe names it'),
    Allowed('ranks', 'cir_nb/retrieval/metrics', 'ranks of any answers, before they are those of targets'),
    Allowed('hard', 'nbs/reproduce', 'a value of the setting that the paper calls hard'),
    Allowed('voices', 'nbs/commands/00_core', 'the old spelling, which a test reads'),
    Allowed('accumulate', 'cir_nb/training/learner', "accelerate's own context"),
    *(Allowed(w, 'cir_nb/training/config', 'the table of old spellings, which recipes of old runs have') for w in
      ('bs', 'workers', 'div', 'warmup', 'accumulate', 'precision', 'horizon')),
]

class Word(NamedTuple):
    "An old word left in code"
    old:str
    where:str # file:line

    def __str__(self) -> str: return f'{self.where}: {self.old} -> {VOCABULARY[self.old]}'

def identifiers(tree:ast.AST) -> Iterator[tuple]:
    "(node, name) of everything that is called something"
    for n in ast.walk(tree):
        if isinstance(n, ast.Name): yield n, n.id
        elif isinstance(n, ast.Attribute): yield n, n.attr
        elif isinstance(n, (*style.FUNCTIONS, ast.ClassDef)): yield n, n.name
        elif isinstance(n, (ast.arg, ast.keyword)): yield n, n.arg
        elif isinstance(n, ast.alias): yield n, n.name.split('.')[-1]
        elif isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name): yield n, n.target.id # a field

def words(src:str, where:str) -> Iterator[Word]:
    "The old words among the identifiers of a source"
    for n, name in identifiers(ast.parse(src)):
        member = name in MEMBER and not isinstance(n, ast.Name)
        defined = name in DEFINITION and not isinstance(n, (ast.Name, ast.Attribute))
        allowed = any(name==o.word and where.startswith(o.where) for o in ALLOWED)
        if (name in ANYWHERE or member or defined) and not allowed: yield Word(name, f'{where}:{n.lineno}')

def package(tree:Path) -> dict:
    "Path -> source of every module"
    files = sorted(f for f in (tree/layers.PACKAGE).rglob('*.py') if f.name not in ('_modidx.py', '__init__.py'))
    return {layers.short(f, tree): f.read_text(encoding='utf-8') for f in files}

def shown_cells(tree:Path) -> Iterator[tuple]:
    "(where, source) of the notebooks' cells that are not exported and are Python"
    for nb in layers.notebooks(tree/'nbs'):
        for c in layers.code_cells(nb):
            src = layers.source(c)
            try: ast.parse(src)
            except SyntaxError: continue # a magic command
            if not layers.export_line(src): yield f'{layers.short(nb, tree)}, cell {c["id"]!r}', src

def left(sources:dict) -> list:
    "Old words in the sources, once a line"
    return sorted({w for where, src in sources.items() for w in words(src, where)}, key=lambda w: w.where)

def say(title:str, found:list) -> None:
    "A count, and what it counts"
    print(f'{len(found):5d}  {title}')
    for o in found: print(f'       {o}')

def main() -> None:
    tree = Path(__file__).resolve().parents[1]
    modules, nbs = package(tree), tree/'nbs'
    found = layers.arrows(nbs)
    between = {(layers.place(a.importer, nbs)[0], layers.place(a.source, nbs)[0]) for a in found}
    against = layers.check(nbs)
    rules = {rule: [f'{name}:{i}: {what}' for name, src in modules.items() for i, what in rule(src, ast.parse(src))]
        for rule in (style.wide, style.untyped)}
    rooms = Counter(name.split('/')[1] for name in modules if name.count('/')>1)
    sizes = ', '.join(f'{r} {rooms[r]}' for r in layers.LAYERS if rooms[r])
    print(f'{len(modules):5d}  rooms in {len(rooms)} folders: {sizes}')
    print(f'{len(found):5d}  arrows between rooms')
    print(f'{sum(a!=b for a, b in between):5d}  arrows between folders')
    say('arrows against the order', against)
    say(f'lines over {style.COLUMNS} columns outside error texts', rules[style.wide])
    listings = sum(len(o)>style.COLUMNS and o.startswith('__all__') for m in modules.values() for o in m.splitlines())
    print(f'{listings:5d}  lines of `__all__` over it, which nbdev writes')
    say('public functions without a return type', rules[style.untyped])
    say('old words in the package', left(modules))
    say('old words in cells that are not exported', left(dict(shown_cells(tree))))
    sys.exit(bool(against))

if __name__=='__main__': main()
