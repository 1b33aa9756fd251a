"""The listening desk in the window: its commands, the bar of playback and the panel beside the views."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from midistems_graph.audio.files import SoundFileError
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.audible import NotAudible
from midistems_graph.editor.audition.desk import OWN, NotOnDesk
from midistems_graph.editor.audition.desk_view import DeskView
from midistems_graph.editor.audition.meters import DARK, Levels
from midistems_graph.editor.audition.offline import NotComputed
from midistems_graph.editor.audition.stem_mixers import StemMixers
from midistems_graph.editor.model import bands
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.model.settings import VOLUME_DB
from midistems_graph.editor.program.mixes import Mixes
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.browser import Browser, Kind
from midistems_graph.editor.view.desk_panel import DeskPanel, PanelView
from midistems_graph.editor.view.ears import Ears
from midistems_graph.editor.view.jobs import guarded
from midistems_graph.editor.view.menu import Row
from midistems_graph.editor.view.mixer_rows import MixerHands
from midistems_graph.editor.view.transport import Heard, TransportBar

STEP_SECONDS = 1
VOLUME_STEP_DB = 2.0

GONE = "the graph has it no more; undo brings it back, or click another edge"


class SoundDesk:
    """Adds the commands of listening to a bench. `ears` gives the ears of the bound song, or says that there is none.

    `switched` is called when another edge is shown.
    """

    def __init__(
        self, bench: Bench, browser: Browser, ears: Callable[[], Ears | None], switched: Callable[[], None]
    ) -> None:
        self.bench, self.browser, self._ears, self._switched = bench, browser, ears, switched
        self._held, self._title = 0.0, ""
        self._heard_by: Ears | None = None
        self._mixed: Address | None = None
        """The edge whose stems have rows."""
        self._mixes = Mixes(bench, lambda: self.panel.mixer.is_held)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="export")
        self._writing: Future[bool] | None = None
        own: Mapping[str, Callable[[Ears], object]] = {
            "stop": _stop,
            "loop": _loop,
            "half_speed": lambda e: e.desk.toggle_half_speed(),
            "back": lambda e: e.deck.seek(e.deck.sample - STEP_SECONDS * e.deck.song.rate),
            "forward": lambda e: e.deck.seek(e.deck.sample + STEP_SECONDS * e.deck.song.rate),
            "compare": lambda e: e.desk.swap(),
            "hear_a": lambda e: e.desk.hear_letter("A"),
            "hear_b": lambda e: e.desk.hear_letter("B"),
            "difference": lambda e: e.desk.toggle_difference(),
            "boost": lambda e: e.desk.toggle_boost(),
            "match": lambda e: e.desk.toggle_matching(),
            "mid": lambda e: e.desk.toggle_side("mid"),
            "side": lambda e: e.desk.toggle_side("side"),
            "band_low": lambda e: e.desk.toggle_band("low"),
            "band_middle": lambda e: e.desk.toggle_band("middle"),
            "band_high": lambda e: e.desk.toggle_band("high"),
            "band_own": lambda e: e.desk.toggle_band(OWN),
            "band_set": lambda e: self._ask_band(),
            "louder": lambda e: self._turn(bench.settings.volume_db + VOLUME_STEP_DB),
            "quieter": lambda e: self._turn(bench.settings.volume_db - VOLUME_STEP_DB),
            "abx": lambda e: e.desk.toggle_abx(),
            "hear_x": lambda e: e.desk.hear_x(),
            "answer_a": lambda e: e.desk.answer("A"),
            "answer_b": lambda e: e.desk.answer("B"),
            "stem_up": lambda e: e.desk.mixers.choose(e.desk.mixers.chosen - 1),
            "stem_down": lambda e: e.desk.mixers.choose(e.desk.mixers.chosen + 1),
            "stem_solo": lambda e: e.desk.mixers.toggle_solo(),
            "stem_mute": lambda e: e.desk.mixers.toggle_mute(),
            "stem_louder": lambda e: e.desk.mixers.change_gain(1.0),
            "stem_quieter": lambda e: e.desk.mixers.change_gain(-1.0),
            "stem_reset": lambda e: e.desk.mixers.reset(),
            "export_sound": self._ask_export,
        }
        for name, act in own.items():
            bench.commands[name] = self._doing(act)
        for number in range(10):
            bench.commands[f"hear_{number}"] = self._doing(lambda e, n=number: e.desk.recall(n))  # type: ignore[misc]
            bench.commands[f"keep_{number}"] = self._doing(lambda e, n=number: self._keep(e, n))  # type: ignore[misc]

    def open(self) -> None:
        """Begin, when the window is there."""
        bench, palette, scale = self.bench, self.bench.window.palette, self.bench.window.scale
        hands = MixerHands(
            choose=lambda n: self._mix(lambda mixers: mixers.choose(n)),
            solo=lambda n: self._mix(lambda mixers: mixers.toggle_solo(n)),
            mute=lambda n: self._mix(lambda mixers: mixers.toggle_mute(n)),
            gain=lambda n, db: self._mix(lambda mixers: mixers.set_gain(db, n)),
        )
        self.transport = TransportBar(bench.transport_area, palette, scale, bench.do, bench.hint, self._turn)
        self.panel = DeskPanel(bench.desk_area, palette, scale, hands, bench.do, bench.hint)

    def close(self) -> None:
        """End when what is being written is whole."""
        self._writer.shutdown(wait=True)

    def recolor(self) -> None:
        palette = self.bench.window.palette
        self.transport.scale = self.panel.scale = self.bench.window.scale
        self.transport.recolor(palette)
        self.panel.recolor(palette)

    def tick(self) -> bool:
        """Before every frame: show how it stands; whether something moves."""
        ears, self._mixed = self._ears(), None
        if ears is None:
            self.transport.show(Heard())
            self.panel.show(PanelView())
            return False
        self._take_over(ears)
        self._mixes.tick(ears)
        ears.desk.tick()
        status, view, total = ears.deck.status, ears.desk.view, ears.seconds
        self._mixed = ears.desk.edge if view.strips else None
        at = status.sample / ears.deck.song.rate
        kept = {number: take.addresses[0] for number, take in enumerate(ears.deck.slots) if take is not None}
        on = _switched_on(view) | ({"loop"} if ears.deck.transport.loop else set())
        slots = tuple((number, edge == ears.desk.edge and view.blind is None) for number, edge in kept.items())
        band, volume = bands.short(view.own_band), self.bench.settings.volume_db
        self.transport.show(Heard(status.playing, at, total, frozenset(on), _figure(view), band, volume))
        title, hides = _title(view), view.blind is not None and not view.blind.verdict
        badge = "preview" if status.previewed else "before the edit" if status.stale else ""
        failure = ears.live.states.failure(ears.desk.edge) if status.waiting and ears.desk.edge else ""
        badge = "failed" if failure else "computing" if status.waiting else badge
        gone = ears.desk.edge is not None and not ears.live.has(ears.desk.edge)
        badge = "gone" if gone else badge if ears.desk.edge is not None else ""
        levels = None if hides else status.levels
        self._hold(title, DARK if status.switching else levels)
        note = "" if hides else GONE if gone else failure or status.note
        self.panel.show(PanelView(view, title, note, badge, levels, self._held, slots))
        return status.playing

    def _hold(self, title: str, levels: Levels | None) -> None:
        """The largest true peak since this is heard."""
        if title != self._title or levels is DARK:
            self._title, self._held = title, 0.0
        if levels is not None:
            self._held = max(self._held, *levels.true_peak)

    def _doing(self, act: Callable[[Ears], object]) -> Callable[[], None]:
        return lambda: self._act(act)

    def _do(self, act: Callable[[Ears], object]) -> None:
        """What a control of the panel asks for."""
        try:
            self._act(act)
        except Refused as refused:
            self.bench.say(str(refused), wrong=True)

    def _mix(self, act: Callable[[StemMixers], None]) -> None:
        """What a row of the mixer asks for; rows of an edge that is heard no more are about to go."""
        ears = self._ears()
        if ears is not None and ears.desk.mixer is not None and ears.desk.edge == self._mixed:
            self._do(lambda e: act(e.desk.mixers))

    def _act(self, act: Callable[[Ears], object]) -> None:
        ears = self._ears()
        if ears is None:
            raise Refused("no song is open; press Ctrl+O and choose a sound file")
        shown = ears.desk.edge
        try:
            act(ears)
        except NotOnDesk as error:
            raise Refused(str(error)) from None
        if ears.desk.edge != shown:
            self._switched()

    # What settings keep: the volume, the band of one's own

    def _take_over(self, ears: Ears) -> None:
        """Ears of another song listen as those before."""
        if ears is not self._heard_by:
            self._heard_by = ears
            ears.desk.own_band = self.bench.settings.band
            ears.deck.at_volume(self.bench.settings.volume_db)

    def _turn(self, db: float) -> None:
        """Play at another volume, in dB."""
        db = min(max(db, VOLUME_DB[0]), VOLUME_DB[1])
        self.bench.settings = replace(self.bench.settings, volume_db=db)
        if ears := self._ears():
            ears.deck.at_volume(db)

    def _ask_band(self) -> None:
        """Let a band be typed, or chosen from some that are often asked for."""

        def rows(query: str) -> list[Row]:
            typed = bands.read(query)
            if typed is not None:
                return [Row(f"{typed[0]}-{typed[1]}", f"Hear {bands.short(typed)} Hz alone")]
            return [Row(f"{b[0]}-{b[1]}", name, f"{bands.short(b)} Hz") for name, b in bands.SUGGESTED]

        def chosen(row: str) -> None:
            band = bands.read(row)
            if band is not None:
                self._do(lambda ears: self._hear_band(ears, band))

        width, height = self.bench.window.size
        at = width / 2 - 160, height - 330.0
        self.bench.menu.open(at, rows, chosen, search="from - to in Hz: 300-3k", width=320, inside=(width, height))

    def _hear_band(self, ears: Ears, band: bands.Band) -> None:
        ears.desk.hear_own_band(*band)
        self.bench.settings = replace(self.bench.settings, band=band)

    # Export

    @property
    def is_exporting(self) -> bool:
        return self._writing is not None and not self._writing.done()

    def _ask_export(self, ears: Ears) -> None:
        """Ask for a file for what is heard: of the loop, or the whole song without one."""
        if self.is_exporting:
            raise Refused("an export is being written; wait for it")
        if ears.desk.abx is not None:
            raise Refused("a blind test is under way; end it first")
        if ears.desk.edge is None:
            raise Refused("nothing is heard; click an edge first")
        first, last = ears.deck.region
        what = "the loop" if ears.deck.transport.loop else "the song"
        seconds = (last - first) / ears.deck.song.rate
        kind = Kind(f"{what}, {seconds:.1f} s,", (".wav", ".flac"))
        self.browser.ask_save(kind, lambda path: self._export(ears, path, (first, last)))

    def _export(self, ears: Ears, path: Path, region: tuple[int, int]) -> None:
        jobs, say = self.bench.window.jobs, self.bench.say
        try:
            write = ears.deck.exporter(path, region, "flac" if path.suffix.lower() == ".flac" else "wav")
        except NotComputed as error:
            say(str(error), wrong=True)
            return

        def work() -> None:
            try:
                write()
            except (NotComputed, NotAudible, SoundFileError) as error:
                sentence = str(error)
                jobs.post(lambda: say(sentence, wrong=True))
            else:
                jobs.post(lambda: say(f"exported {path.name}"))

        say(f"exporting {path.name}")
        self._writing = self._writer.submit(guarded, work)

    def _keep(self, ears: Ears, number: int) -> None:
        ears.desk.keep(number)
        self.bench.say(f"kept under {number}")


def _stop(ears: Ears) -> None:
    ears.deck.play(False)
    ears.deck.seek(0)


def _loop(ears: Ears) -> None:
    deck = ears.deck
    if deck.transport.loop:
        deck.unloop()
    else:
        deck.loop(deck.sample, min(deck.sample + 10 * deck.song.rate, deck.song.total))


def _switched_on(view: DeskView) -> set[str]:
    """The commands whose toggles are on."""
    on = {f"band_{view.band}"} if view.band else set()
    on |= {view.side} - {"stereo"}
    on |= {name for name, is_on in (("match", view.matching), ("boost", view.boosted), ("abx", view.blind)) if is_on}
    on |= {"half_speed"} if view.speed < 1 else set()
    heard = {"A": {"hear_a"}, "B": {"hear_b"}, "difference": {"difference"}, "X": set()}[view.heard]
    return on | (heard if view.edges else set())


def _title(view: DeskView) -> str:
    match view.heard:
        case "X":
            return "X"
        case "difference":
            return f"{view.edges['A']} - {view.edges['B']}"
        case letter:
            return view.edges.get(letter, "")


def _figure(view: DeskView) -> str:
    """What was measured for a toggle that is on."""
    if view.heard == "difference":
        if view.difference_db is None:
            return "measuring"
        return "silence" if view.difference_db < -300 else f"{view.difference_db:.1f} dB"
    if view.matching and view.blind is None:
        if view.gains is None:
            return "measuring"
        return next((f"{k} {g:.1f} dB" for k, g in view.gains.items() if g < -0.05), "equally loud")
    return ""
