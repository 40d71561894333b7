#!/usr/bin/perl
# One life of a Debian system that is to be ended (victims.py puts it there, as an early unit): it looks whether all that
# its earlier lives flushed is on the disk, and whole; then it works on its disk, and
#   victim.lives=N   on the kernel's command line: ruins itself, in the way that its life's number says; after N lives
#                    it turns itself off in an orderly way
#   without that     goes on until somebody ends it
# Record N is a file N of 32 KiB in /victim, made under another name and flushed, then renamed, and its folder flushed.
use strict;
use warnings;

my $folder = '/victim';
my @kinds  = ('crash', 'hang', 'reboot');
my $kept   = 200;                          # records
open my $console, '+<', '/dev/console' or die $!;

sub text_of { my ($path) = @_; local (@ARGV, $/) = ($path); my $text = <>; $text =~ s,\n\z,,; return $text }

my $name    = text_of('/etc/hostname');
my ($lives) = text_of('/proc/cmdline') =~ /\bvictim\.lives=(\d+)/;

sub say_so {
    syswrite $console, "victim: @_\n";
    ioctl $console, 0x5409, 1;    # TCSBRK: wait until it is sent (as tcdrain())
}

sub wrong {
    say_so("WRONG: @_");
    sleep 60 while 1;
}

sub record { my ($n) = @_; my $line = "$name $n\n"; return substr($line x 8192, 0, 32768) }

# fsync() of asm-generic/unistd.h
sub flushed { my ($file) = @_; return syscall(82, fileno $file) == 0 }

sub flush_folder {
    open my $dir, '<', $folder or wrong("folder: $!");
    flushed($dir) or wrong("flush of the folder: $!");
}

sub write_record {
    my ($n) = @_;
    open my $file, '>', "$folder/new" or wrong("record $n: $!");
    (syswrite($file, record($n)) // 0) == 32768 or wrong("record $n: $!");
    flushed($file) or wrong("flush of record $n: $!");
    close $file;
    rename "$folder/new", "$folder/$n" or wrong("record $n: $!");
    flush_folder();
    unlink "$folder/" . ($n - $kept) if $n > $kept;
}

# The last record's number. All that are kept must be there.
sub check_records {
    my @there = sort { $a <=> $b } grep {/^\d+$/} map { s,.*/,,r } glob "$folder/*";
    my $last = @there ? $there[-1] : 0;
    my $first = $last > $kept ? $last - $kept + 1 : 1;
    for my $n ($first .. $last) {
        my $text = -e "$folder/$n" ? do { local (@ARGV, $/) = ("$folder/$n"); <> // '' } : 'gone';
        wrong("record $n is not what was flushed") if $text ne record($n);
    }
    return $last;
}

# What the kernel said when it crashed is in the part of RAM that is kept (ramoops).
sub check_last_words {
    my @words = glob '/sys/fs/pstore/dmesg-ramoops-*';
    wrong('no last words of the crash') if !grep { text_of($_) =~ /sysrq triggered crash/ } @words;
    unlink @words;
}

# Requests are under way whenever it ends.
sub make_noise {
    return if fork;
    my $noise = 'x' x 262144;
    open my $file, '+>', "$folder/noise" or die $!;
    while (1) {
        sysseek $file, 0, 0;
        syswrite $file, $noise;
        flushed($file);
    }
}

# An endless loop at EL1, all interrupts masked, that has armed the watchdog anew since Linux stops it before kexec:
# one second each for WS0 and WS1 (SBSA DEN 0029B A.3). As kexec_load() and reboot() of asm-generic/unistd.h, linux/kexec.h.
sub hang {
    my $code = pack 'V*',
        0xd5034fdf,                              # msr daifset, #0xf
        0xd2a120c0,                              # mov x0, #0x09060000
        0xd53be001,                              # mrs x1, cntfrq_el0
        0xb9000801,                              # str w1, [x0, #8]: WOR
        0x52800021,                              # mov w1, #1
        0xb9000001,                              # str w1, [x0]: WCS, enable
        0x14000000;                              # b .
    my $segment = pack 'PQQQ', $code, length $code, 0x48000000, 4096;
    syscall(104, 0x48000000, 1, $segment, 183 << 16) == 0 or wrong("kexec_load: $!");
    syscall(142, 0xfee1dead, 672274793, 0x45584543, 0);
    wrong("kexec: $!");
}

# systemd feeds it once in 30 s; what is to be seen is its end. pidfd_open(), pidfd_getfd() of asm-generic/unistd.h,
# WDIOC_SETTIMEOUT of linux/watchdog.h.
sub shorten_watchdog {
    my ($fd) = grep { (readlink("/proc/1/fd/$_") // '') =~ m,^/dev/watchdog, } map { s,.*/,,r } glob '/proc/1/fd/*';
    wrong('systemd has no watchdog') if !defined $fd;
    my $pidfd = syscall 434, 1, 0;
    my $ours = syscall 438, $pidfd, $fd + 0, 0;
    my $seconds = pack 'i', 4;
    open my $watchdog, '+<&=', $ours or wrong("watchdog: $!");
    ioctl $watchdog, 0xc0045706, $seconds or wrong("watchdog's time: $!");
}

sub fail {
    my ($kind) = @_;
    say_so("$name now fails by $kind");
    hang() if $kind eq 'hang';
    exec 'reboot', '-f' if $kind eq 'reboot';
    shorten_watchdog();
    open my $trigger, '>', '/proc/sysrq-trigger' or wrong("sysrq: $!");
    syswrite $trigger, 'c';
    wrong('there was no crash');
}

mkdir $folder;
my $last = check_records();
my $life = $last + 1;
my $shift = ord $name;
if ($lives) {
    check_last_words() if $last and $kinds[($last + $shift) % 3] eq 'crash';
    say_so("$name has $last records, all whole");
    if ($last == $lives) {
        exec 'systemctl', 'poweroff';
    }
    make_noise();
    write_record($life);
    fail($kinds[($life + $shift) % 3]);
}
say_so("$name has $last records, all whole");
make_noise();
write_record($life++) while 1;
