using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using Akka.Actor;

namespace ActorMlp.Cluster.Compute;

/// <summary>
/// Writes checkpoints in the background, in the order in which they were asked for. A checkpoint that waits is replaced by a newer one of its
/// kind, so a slow disk delays nobody; a best checkpoint always goes to disk before the last one that refers to it.
/// </summary>
/// <param name="setup">The run.</param>
/// <param name="store">Weights and optimizer.</param>
/// <param name="directory">The run's folder.</param>
public sealed class CheckpointWriter(RunSetup setup, ParameterStore store, RunDirectory directory)
{
    private readonly Lock gate = new();
    private readonly List<(CheckpointKind Kind, Checkpoint Checkpoint, IActorRef Asker)> waiting = [];
    private Task writer = Task.CompletedTask;

    /// <summary>Copies weights and optimizer as they stand; they are written later. The asker gets <see cref="CheckpointWritten"/> or <see cref="CheckpointFailed"/>.</summary>
    public void Save(CheckpointKind kind, RunProgress progress, IActorRef asker)
    {
        Checkpoint checkpoint = Checkpoint.Capture(setup, store.Parameters, store.Updater, progress);
        lock (gate)
        {
            if (kind == CheckpointKind.Best)
            {
                waiting.Clear();
            }
            else
            {
                waiting.RemoveAll(entry => entry.Kind == kind);
            }

            waiting.Add((kind, checkpoint, asker));
            if (writer.IsCompleted)
            {
                writer = Task.Run(WriteAll);
            }
        }
    }

    /// <summary>Waits until all is written, then puts the best checkpoint's weights into the store.</summary>
    public async Task<BestRestored> RestoreBestAsync()
    {
        string last = setup.Network.Layout.Sha256(store.Parameters);
        Task writing;
        lock (gate)
        {
            writing = writer;
        }

        await writing.ConfigureAwait(false);
        Checkpoint.Load(directory.BestCheckpoint).RestoreWeights(setup, store.Parameters);
        return new BestRestored(last);
    }

    private void WriteAll()
    {
        while (true)
        {
            (CheckpointKind Kind, Checkpoint Checkpoint, IActorRef Asker) entry;
            lock (gate)
            {
                if (waiting.Count == 0)
                {
                    // Under the lock, so that nobody adds to a queue whose writer is about to leave.
                    writer = Task.CompletedTask;
                    return;
                }

                entry = waiting[0];
                waiting.RemoveAt(0);
            }

            string path = entry.Kind == CheckpointKind.Best ? directory.BestCheckpoint : directory.LastCheckpoint;
            try
            {
                entry.Checkpoint.Save(path);
                entry.Asker.Tell(new CheckpointWritten(entry.Kind, entry.Checkpoint.Progress.Step, path));
            }
            catch (StorageException exception)
            {
                entry.Asker.Tell(new CheckpointFailed(exception.Message));
            }
        }
    }
}
