namespace ActorMlp.Training.Views;

/// <summary>Deals the parameters to servers: neighbouring pieces of about the same number of floats for each. How they are cut changes no bit.</summary>
public sealed class PieceDealer
{
    private readonly IReadOnlyList<int> cutPoints;
    private readonly int pieceLength;

    /// <summary>A dealer for one network.</summary>
    /// <param name="cutPoints">Where the vector may be cut, ascending, from 0 to its length.</param>
    /// <param name="pieceLength">Floats that a piece has, as far as the cut points allow.</param>
    public PieceDealer(IReadOnlyList<int> cutPoints, int pieceLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cutPoints.Count, 2);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pieceLength);
        this.cutPoints = cutPoints;
        this.pieceLength = pieceLength;
    }

    /// <summary>How many servers get something at most: the first ones.</summary>
    public int MostServers { get; init; } = int.MaxValue;

    /// <summary>A dealer that leaves the vector in one piece.</summary>
    /// <param name="length">Floats of the vector.</param>
    public static PieceDealer Whole(int length) => new([0, length], length);

    /// <summary>Pieces for servers, in the order given; where the vector cannot be cut so often, some get none.</summary>
    /// <param name="servers">Who is there.</param>
    /// <param name="standbys">0, or 1 for a standby of each server: the next one.</param>
    public IReadOnlyList<ParameterPiece> Deal(IReadOnlyList<int> servers, int standbys = 0)
    {
        var pieces = new List<ParameterPiece>();
        int first = 0;
        servers = servers.Count > MostServers ? [.. servers.Take(MostServers)] : servers;
        for (int i = 0; i < servers.Count && first < cutPoints[^1]; i++)
        {
            int end = i == servers.Count - 1 ? cutPoints[^1] : Nearest((int)((long)cutPoints[^1] * (i + 1) / servers.Count));
            Cut(pieces, servers[i], standbys > 0 && servers.Count > 1 ? servers[(i + 1) % servers.Count] : -1, first, end);
            first = Math.Max(first, end);
        }

        return pieces;
    }

    /// <summary>A range as pieces of about the same length, at cut points.</summary>
    private void Cut(List<ParameterPiece> pieces, int server, int standby, int first, int end)
    {
        int count = (end - first + pieceLength - 1) / pieceLength;
        int from = first;
        for (int i = 1; i <= count; i++)
        {
            int to = i == count ? end : Nearest(first + (int)((long)(end - first) * i / count));
            if (to > from)
            {
                pieces.Add(new ParameterPiece(server, from, to - from, standby));
                from = to;
            }
        }
    }

    private int Nearest(int position)
    {
        int index = Search(position);
        int above = cutPoints[index];
        int below = index > 0 ? cutPoints[index - 1] : above;
        return above - position <= position - below ? above : below;
    }

    /// <summary>The first cut point at or above a position.</summary>
    private int Search(int position)
    {
        int low = 0, high = cutPoints.Count - 1;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (cutPoints[middle] < position)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
