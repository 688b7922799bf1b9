package tributary

import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Paths}
import java.util.UUID

import io.delta.storage.LocalLogStore
import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.Path

/**
 * Spark's commits on a disk that other processes write too. Spark's own store looks whether a commit is there and renames, which replaces
 * a commit that came in between; a link is refused when its name is taken.
 */
class LinkLogStore(configuration: Configuration) extends LocalLogStore(configuration) {
  override def write(path: Path, actions: java.util.Iterator[String], overwrite: java.lang.Boolean, hadoop: Configuration): Unit = {
    if (overwrite) super.write(path, actions, overwrite, hadoop)
    else {
      val target = Paths.get(path.toUri.getPath)
      val whole = target.resolveSibling(s".${UUID.randomUUID}.tmp")
      try {
        val text = new StringBuilder
        while (actions.hasNext) text.append(actions.next()).append('\n')
        Files.write(whole, text.toString.getBytes(UTF_8))
        Files.createLink(target, whole)
      } finally Files.deleteIfExists(whole)
    }
  }

  override def isPartialWriteVisible(path: Path, hadoop: Configuration): java.lang.Boolean = false
}
