using ActorMlp.Training.Views;
using CsCheck;

namespace ActorMlp.Training.Tests.Views;

public sealed class PieceDealerTests
{
    [Fact]
    public void Deal_any_cut_points_and_servers_covers_each_float_once_in_neighbouring_pieces_of_even_length() =>
        Gen.Select(Gen.Int[1, 50].Array[1, 60], Gen.Int[1, 300], Gen.Int[1, 12]).Sample((gaps, pieceLength, count) =>
        {
            int[] points = [0, .. gaps.Select((_, i) => gaps[..(i + 1)].Sum())];
            int[] servers = [.. Enumerable.Range(0, count).Select(i => 100 - 7 * i)];
            IReadOnlyList<ParameterPiece> pieces = new PieceDealer(points, pieceLength).Deal(servers);
            int next = 0;
            foreach (ParameterPiece piece in pieces)
            {
                Assert.Equal(next, piece.Offset);
                Assert.True(piece.Length > 0);
                Assert.Contains(piece.End, points);

                // Each end is moved to the nearest cut point: by half a gap at most.
                Assert.InRange(piece.Length, 1, pieceLength + gaps.Max());
                next = piece.End;
            }

            Assert.Equal(points[^1], next);
            Assert.Equal(pieces.Select(piece => Array.IndexOf(servers, piece.Server)).Order(), pieces.Select(piece => Array.IndexOf(servers, piece.Server)));
            foreach (IGrouping<int, ParameterPiece> range in pieces.GroupBy(piece => piece.Server))
            {
                double even = (double)points[^1] * (Array.IndexOf(servers, range.Key) + 1) / count;
                Assert.InRange(range.Last().End, even - gaps.Max() / 2.0 - 1, even + gaps.Max() / 2.0);
            }
        });

    [Fact]
    public void Deal_of_fine_cut_points_makes_as_few_pieces_as_their_length_allows()
    {
        var dealer = new PieceDealer([.. Enumerable.Range(0, 1001)], 100);
        IReadOnlyList<ParameterPiece> pieces = dealer.Deal([2, 5]);
        Assert.Equal(Enumerable.Range(0, 10).Select(i => new ParameterPiece(i < 5 ? 2 : 5, 100 * i, 100)), pieces);
        Assert.Equal([333, 333, 334], new PieceDealer([.. Enumerable.Range(0, 1001)], 499).Deal([1])
            .Select(piece => piece.Length));
    }

    [Fact]
    public void Deal_of_a_vector_that_cannot_be_cut_so_often_leaves_some_servers_without()
    {
        for (int count = 1; count <= 9; count++)
        {
            ParameterPiece piece = Assert.Single(PieceDealer.Whole(10).Deal([.. Enumerable.Range(0, count)]));
            Assert.Equal((0, 10), (piece.Offset, piece.Length));
        }

        Assert.Equal([40, 60], new PieceDealer([0, 40, 100], 100).Deal([1, 2, 3]).Select(piece => piece.Length));
    }

    [Fact]
    public void Deal_is_the_same_whenever_the_same_servers_are_there()
    {
        int[] points = [0, 7, 12, 40, 41, 77, 100];
        Assert.Equal(new PieceDealer(points, 30).Deal([3, 1, 2]), new PieceDealer(points, 30).Deal([3, 1, 2]));
    }

    [Fact]
    public void Deal_without_servers_deals_nothing() => Assert.Empty(PieceDealer.Whole(10).Deal([]));

    [Fact]
    public void Dealer_without_a_vector_or_a_length_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new PieceDealer([0], 10));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PieceDealer([0, 10], 0));
    }
}
