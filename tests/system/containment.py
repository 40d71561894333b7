"""A guest that attacks beside one that watches: what the files of attack cases share."""
import os
import random
import re
import struct
import subprocess
import time

from bulkhead import BOOT_LIMIT, BUILD, ESCAPE, TOP, Board, make_card, wait_until

ATTACK, WITNESS, CHURN = 1, 2, 3  # their places in the configuration
VMS = """/dts-v1/;
/ {
	compatible = "bulkhead,vms-1";
	vms {
		attack {
			cpus = <0 1>;
			memory = "64M";
			kernel = "attack.bin";
			restart-limit = <16 1>;
			disks {
				rw { partition = "attack-rw"; size = "16M"; };
				ro { partition = "attack-ro"; size = "4M"; read-only; };
			};
		};
		witness {
			cpus = <2>;
			memory = "128M";
			kernel = "vmlinuz";
			initrd = "witness.img";
			bootargs = "console=ttyAMA0 quiet cma=4M";
			disks { d { partition = "witness"; size = "16M"; }; };
		};
		churn {
			cpus = <3>;
			memory = "32M";
			kernel = "reader.bin";
			bootargs = "write";
			no-autostart;
			restart-limit = <16 1>;
			disks { d { partition = "churn"; size = "4M"; }; };
		};
	};
};
"""
PIECES, PIECE_WORDS = 256, 4096  # guests/witness/build says what they are
BEAT = r"beat (\d+) behind (\d+) wrong (\d+) late (\d+) ms"
PROMPT = "attack> "
CASE_LIMIT = 150
MASK = (1 << 64) - 1


def mix(x):
    x = (x + 0x9e3779b97f4a7c15) & MASK
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9 & MASK
    x = (x ^ x >> 27) * 0x94d049bb133111eb & MASK
    return x ^ x >> 31


def build_witness():
    guests = os.path.join(BUILD, "guests")
    subprocess.run([os.path.join(TOP, "guests", "witness", "build"), os.path.join(guests, "witness.elf"),
                    os.path.join(guests, "initrd.img"), os.path.join(guests, "witness.img")], check=True)


def partitions(card):
    """{name: (first byte, bytes)}"""
    found = {}
    for number in range(1, 9):
        out = subprocess.run(["sgdisk", f"--info={number}", card], stdout=subprocess.PIPE, text=True, check=False).stdout
        name = re.search(r"Partition name: '(.*)'", out)
        if name:
            first, size = (int(re.search(p, out).group(1)) for p in (r"First sector: (\d+)", r"Partition size: (\d+)"))
            found[name.group(1)] = (512 * first, 512 * size)
    return found


class Containment:
    """The board with attacker and witness, switched on."""

    WRITTEN = ("witness", "attack-rw", "churn")  # partitions that somebody writes to

    def __init__(self, name):
        build_witness()
        card = make_card(name, VMS)
        self.card = os.path.join(BUILD, "test", f"{name}-{os.getpid()}.img")
        subprocess.run(["cp", "--sparse=always", card, self.card], check=True)
        self.original = card
        self.rows = []
        self.beat = -1
        self.before = 0  # restarts of the attacker, before a case
        self.board = Board(self.card, snapshot=False)
        self.board.expect(r"\[bulkhead\] 4 cores are up at EL2", BOOT_LIMIT)
        self.board.expect(r"\[witness\] " + BEAT, BOOT_LIMIT)
        self.attach(ATTACK)
        self.board.line("list")
        self.board.expect(r"case ([^>]*)" + PROMPT)
        self.cases = dict(re.findall(r"case (\S+) (\w+)", self.board.match.group(0)))

    def end(self):
        self.board.off()
        if os.path.exists(self.card):
            os.remove(self.card)

    # ---- The consoles ----

    def attach(self, number):
        self.board.attach(number)

    def state(self, name):
        return re.search(rf"^\d+\s+{name}\s+(\w+)", self.ask("list"), re.M).group(1)

    def restarts(self):
        return int(re.search(r"^\d+\s+attack\s.* MiB +\d+ s +(\d+)", self.ask("list"), re.M).group(1))

    def command(self, command):
        answer = self.ask(command)
        print(f"{command}: {answer!r}", flush=True)
        return answer

    def ask(self, command):
        """As board.monitor(), while the hypervisor may say something at any moment, in the middle of what is typed:
        all that is printed until it has answered one command more."""
        self.board.send(ESCAPE + "0")
        self.board.expect("bulkhead> ")
        self.board.line(command)
        self.board.line("version")
        self.board.expect(r"Bulkhead \S+ on [^\n]*\n")
        return self.board.port.before

    # ---- The witness ----

    def beats(self, count=1):
        """Wait for so many more; nothing is wrong with them, and none is behind in the end. The longest lateness in ms."""
        self.see_witness()
        late = behind = 0
        goal = None
        end = time.monotonic() + 120
        while goal is None or self.beat < goal or behind:
            assert time.monotonic() < end, f"the witness is {behind} beats behind at beat {self.beat}"
            self.board.expect([BEAT + r"\r*\n", "WRONG[^\n]*"], 60)
            assert self.board.match.re.groups, self.board.match.group(0)
            beat, behind, wrong, late = (int(g) for g in self.board.match.groups())
            assert wrong == 0, f"beat {beat}: {wrong} wrong"
            if goal is None:
                goal = max(self.beat, beat) + count
            self.beat = max(self.beat, beat)
        self.measure_anew()
        return late

    def see_witness(self):
        self.attach(WITNESS)

    def measure_anew(self):
        self.board.send("\r")

    def check_disk(self):
        """Emulator off: what the last beats left on the witness's disk, and nothing else has changed on the card."""
        layout = partitions(self.card)
        with open(self.card, "rb") as card, open(self.original, "rb") as original:
            for name, (first, size) in layout.items():
                if name not in self.WRITTEN:
                    for at in range(first, first + size, 1 << 20):
                        card.seek(at)
                        original.seek(at)
                        n = min(1 << 20, first + size - at)
                        assert card.read(n) == original.read(n), f"partition {name} has changed at {at - first:#x}"
            for beat in range(max(0, self.beat - PIECES + 1), self.beat + 1):
                card.seek(layout["witness"][0] + beat % PIECES * PIECE_WORDS * 8)
                words = struct.unpack(f"<{PIECE_WORDS}Q", card.read(8 * PIECE_WORDS))
                if words[0] == beat + PIECES:
                    beat += PIECES  # one that came while the plug was pulled
                assert words[0] == beat and all(words[i] == mix(beat << 20 | i) for i in range(1, PIECE_WORDS)), \
                    f"beat {beat} is not on the disk"

    # ---- The attacker ----

    def run(self, name):
        """One case, to the end that the program itself says it has; the witness is asked meanwhile and after it."""
        self.ask("stats reset")
        self.before = self.restarts()
        started = time.monotonic()
        self.attach(ATTACK)
        self.board.line(name)
        # Word of a case that ends its VM may come in the middle of the line.
        word = {"off": "is off", "crash": "crashed", "bite": "was stopped", "reset": "ends"}.get(self.cases[name], "[unheard]")
        self.board.expect([rf"\n{name}: begins", rf"\[bulkhead\] attack: {re.escape(word)}: "], 30)
        seen = {"ok": self.run_ok, "hang": self.run_hang, "reset": self.run_reset, "crash": self.run_crash,
                "bite": self.run_bite, "off": self.run_off}[self.cases[name]](name)
        late = self.beats()
        self.rows.append((name, seen, time.monotonic() - started, late, *self.longest_stays()))
        print(f"{name}: {seen}", flush=True)

    def run_ok(self, name):
        index = self.board.expect([rf"\n{name}: ok", rf"\n{name}: wrong: [^\r\n]*", r"unexpected exception[^\r\n]*"], CASE_LIMIT)
        assert index == 0, self.board.match.group(0)
        self.board.expect(PROMPT)
        return "came back"

    def restarted(self):
        self.attach(ATTACK)
        self.board.line("")
        self.board.expect(r": no such case[^>]*" + PROMPT)

    def run_hang(self, _name):
        self.beats(2)
        self.command("restart attack")
        wait_until(lambda: self.state("attack") == "running", 60, "attack runs again")
        self.restarted()
        return "hung, restarted by hand"

    def comes_back(self):
        """By itself. A prompt would not tell: that of the life before is shown again on attaching."""
        wait_until(lambda: self.restarts() > self.before and self.state("attack") == "running", CASE_LIMIT, "attack runs again")

    def run_reset(self, _name):
        self.comes_back()
        return "reset, came back alone"

    def run_crash(self, _name):
        self.comes_back()
        report = self.ask("report attack")
        assert re.search(r"attack: it took an exception.*since power-on.*exits: ", report, re.S), report
        return "crashed, came back alone"

    def run_bite(self, _name):
        self.comes_back()
        report = self.ask("report attack")
        assert re.search(r"attack: its watchdog was not fed.*since power-on.*exits: ", report, re.S), report
        return "bitten, came back alone"

    def longest_stays(self):
        """In microseconds since `stats reset`: on the attacker's cores, on the witness's."""
        stays = {int(core): int(us) for core, us in
                 re.findall(r"^core (\d+).* longest (\d+), longest wait", self.ask("stats"), re.M)}
        return max(stays[0], stays[1]), stays[2]

    def run_off(self, _name):
        wait_until(lambda: self.state("attack") == "off", 60, "attack is off")
        self.command("start attack")
        wait_until(lambda: self.state("attack") == "running", 60, "attack runs again")
        self.restarted()
        return "off, started by hand"

    def run_all(self, names):
        """All of these; one that fails doesn't keep the others from being run. The table is in build/test/attack.txt."""
        failed = []
        for name in names:
            try:
                self.run(name)
            except AssertionError as error:
                failed.append(name)
                self.rows.append((name, f"FAILED: {error}"[:200], 0, 0, 0, 0))
                print(f"{name}: {error}", flush=True)
                self.beats()  # if these fail nothing else can be said
                self.command("restart attack")
                self.restarted()
        self.table()
        assert not failed, " ".join(failed)

    def table(self):
        text = "Longest beat's delay; longest stay at EL2 on the attacker's and the witness's cores: in the emulator time is\n" \
               "that of a shared host, so they are told, not judged.\n\n" \
               f"{'case':22} {'what happened':26} {'seconds':>7} {'beat, ms':>8} {'attack, us':>10} {'witness, us':>11}\n"
        for name, seen, seconds, late, own, others in self.rows:
            text += f"{name:22} {seen:26} {seconds:7.1f} {late:8} {own:10} {others:11}\n"
        text += f"\nThe witness: {self.beat + 1} beats, none missing, nothing wrong.\n"
        print(text, flush=True)
        with open(os.path.join(BUILD, "test", "attack.txt"), "w", encoding="utf-8") as f:
            f.write(text)

    def check_log(self):
        """core/log.c: 8 lines in 10 seconds at most, besides the few that tell of a change of state."""
        log = self.board.monitor("log")
        lines = re.findall(r"^\[ *(\d+)\.\d+\] attack: (.*)$", log, re.M)
        told = [int(second) for second, text in lines if text.startswith("virtio") or "not shown" in text]
        for second in told:
            assert sum(second <= other < second + 10 for other in told) <= 2 * 9, lines

    # ---- A VM that is started and ended at random ----

    def tables(self):
        """What no start or end of a VM may change, as `memmap` sums it up."""
        return re.search(r"tables[^\n]*\b([0-9a-f]{8})\b", self.board.monitor("memmap")).group(1)

    def random_operations(self, count, seed):
        """On the VM that writes its disk. Refusals are right where the state is against it; no state may be a dead end."""
        chance = random.Random(seed)
        before = self.tables()
        told = {}
        for n in range(count):
            verb = chance.choice(["start", "stop", "restart", "pause", "resume", "kill"])
            answer = self.ask(f"{verb} churn")
            against = re.search(r"churn is (\w+): ", answer)
            kind = f"{verb}, refused when {against.group(1)}" if against else verb
            assert "no such command" not in answer, answer
            told[kind] = told.get(kind, 0) + 1
            if n % 10 == 9:
                self.beats()
        for kind, times in sorted(told.items()):
            print(f"{times:4} {kind}", flush=True)
        self.settle_churn()
        self.beats(2)
        assert self.tables() == before, "a table of the hypervisor has changed"

    def settle_churn(self):
        """Whatever it is now: off, then started, and it does its work."""
        self.ask("kill churn")
        wait_until(lambda: self.state("churn") in ("off", "crashed"), 60, "churn is off")
        self.ask("start churn")
        wait_until(lambda: self.state("churn") == "running", 60, "churn runs")
        self.attach(CHURN)
        self.board.expect(r"reader: second \d+: [1-9]\d* bytes, 0 errors", 120)
        self.ask("kill churn")
