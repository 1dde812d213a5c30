"""The flags of the binaries that run other libraries."""

from absl import flags

from experiments.benchmarks import peer_process

PEERS = flags.DEFINE_boolean("peers", False, "Install the peers that are not installed yet.")
PEERS_DIR = flags.DEFINE_string(
    "peers_dir", "~/.cache/aim_keras/peers", "Folder of the peers' virtual environments."
)
FUXICTR = flags.DEFINE_string(
    "fuxictr", None, "A checkout of FuxiCTR's repository, for its models."
)


def commands(names, *where):
    """`peer_process.commands` of these peers; those that lack are installed if it is asked for.

    Raises:
        OSError: if an installation fails.
    """
    for name in names if PEERS.value else ():
        peer_process.install(PEERS_DIR.value, name)
    return peer_process.commands(PEERS_DIR.value, FUXICTR.value, names, *where)
