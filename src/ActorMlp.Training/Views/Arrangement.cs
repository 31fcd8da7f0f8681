using MessagePack;

namespace ActorMlp.Training.Views;

/// <summary>The parameters [<paramref name="Offset"/>, <paramref name="Offset"/> + <paramref name="Length"/>) of the flat vector: updated and sent as one.</summary>
/// <param name="Server">Number of the parameter server that holds it.</param>
/// <param name="Offset">Its first float.</param>
/// <param name="Length">Its floats.</param>
/// <param name="Standby">Number of the server that applies the same updates and goes on if the first is lost; -1 for none.</param>
[MessagePackObject]
public readonly record struct ParameterPiece(
    [property: Key(0)] int Server, [property: Key(1)] int Offset, [property: Key(2)] int Length, [property: Key(3)] int Standby = -1)
{
    /// <summary>One past its last float.</summary>
    [IgnoreMember]
    public int End => Offset + Length;
}

/// <summary>
/// Which parameter server holds what, from a step on. It changes between steps only, as the servers are given their weights and optimizer state anew;
/// whatever belongs to an older arrangement is fenced off.
/// </summary>
/// <param name="Number">Number of the view that began it; 0 for none.</param>
/// <param name="Step">Steps committed in what the servers are given.</param>
/// <param name="Pieces">The whole vector in pieces, ascending; each server's are neighbours.</param>
/// <param name="Shares">Workers that the run was begun with, where it is made of their shares; 0 where it is not.</param>
[MessagePackObject]
public sealed record Arrangement(
    [property: Key(0)] int Number,
    [property: Key(1)] long Step,
    [property: Key(2)] IReadOnlyList<ParameterPiece> Pieces,
    [property: Key(3)] int Shares = 0)
{
    /// <summary>Before the first.</summary>
    public static Arrangement None { get; } = new(0, 0, []);

    /// <summary>The server that opens and commits steps: the one with the first piece.</summary>
    [IgnoreMember]
    public int Lead => Pieces.Count > 0 ? Pieces[0].Server : -1;

    /// <summary>The servers that hold something or stand by.</summary>
    [IgnoreMember]
    public IEnumerable<int> Servers => Pieces.SelectMany(piece => (int[])[piece.Server, piece.Standby]).Where(server => server >= 0).Distinct();

    /// <summary>What a server holds, ascending.</summary>
    public IEnumerable<ParameterPiece> PiecesOf(int server) => Pieces.Where(piece => piece.Server == server);

    /// <summary>What a server stands by for, ascending.</summary>
    public IEnumerable<ParameterPiece> StandbyPiecesOf(int server) => Pieces.Where(piece => piece.Standby == server);

    /// <summary>The same arrangement without a server: standbys take its pieces over. Null where one of them has none.</summary>
    /// <param name="lost">The server.</param>
    public Arrangement? Without(int lost) => Pieces.Any(piece => piece.Server == lost && piece.Standby < 0)
        ? null
        : this with
        {
            Pieces =
            [
                .. Pieces.Select(piece => piece.Server == lost ? piece with { Server = piece.Standby, Standby = -1 }
                    : piece.Standby == lost ? piece with { Standby = -1 }
                    : piece),
            ],
        };
}
