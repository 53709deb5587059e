from multitask.terminal.tell import tell


def test_a_note_can_neither_clear_a_terminal_nor_add_a_line(capsys):
    tell("a\x1b[2J\nb.mp4: 1 person")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "\x1b" not in err
    assert err.endswith("b.mp4: 1 person\n")
